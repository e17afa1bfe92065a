/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.netty.buffer.ByteBuf;

/**
 * An ICMP or ICMPv6 error about a packet that this host sent, on its way to the transport that sent it. One object per shard is filled
 * again for each; valid during the call it is passed to. The network layer has checked the message and that the quoted packet came
 * from an address of this host; whether it belongs to a live connection is the transport's to check (RFC 5927).
 */
public final class IcmpError {
    boolean copied;
    IcmpErrorKind kind;
    int type;
    int code;
    int mtu;
    ByteBuf buffer;
    int transportOffset;
    int transportLength;
    int protocol;
    long localHigh;
    long localLow;
    long remoteHigh;
    long remoteLow;
    long reporterHigh;
    long reporterLow;

    /** Creates an object to be filled. */
    public IcmpError() {}

    /** Whether another shard has received it, and this one sees a copy. */
    public boolean isCopied() {
        return copied;
    }

    /** What it means. */
    public IcmpErrorKind kind() {
        return kind;
    }

    /** The ICMP or ICMPv6 type. */
    public int type() {
        return type;
    }

    /** The ICMP or ICMPv6 code. */
    public int code() {
        return code;
    }

    /** For {@link IcmpErrorKind#PACKET_TOO_BIG} the MTU of the next hop in bytes, 0 if the message does not tell; otherwise 0. */
    public int mtu() {
        return mtu;
    }

    /** The buffer that holds the message. */
    public ByteBuf buffer() {
        return buffer;
    }

    /** Index of the quoted transport header. */
    public int transportOffset() {
        return transportOffset;
    }

    /** How many bytes are quoted from there: at least 8. */
    public int transportLength() {
        return transportLength;
    }

    /** The quoted protocol number. */
    public int protocol() {
        return protocol;
    }

    /** First half of the quoted source: this host's address. */
    public long localHigh() {
        return localHigh;
    }

    /** Second half of the quoted source. */
    public long localLow() {
        return localLow;
    }

    /** First half of the quoted destination. */
    public long remoteHigh() {
        return remoteHigh;
    }

    /** Second half of the quoted destination. */
    public long remoteLow() {
        return remoteLow;
    }

    /** First half of the address of whoever reports the error: a router, the destination, or this host. */
    public long reporterHigh() {
        return reporterHigh;
    }

    /** Second half of the address of whoever reports the error. */
    public long reporterLow() {
        return reporterLow;
    }
}
