/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.link.OutboundFrame;
import io.isla.netty.wire.IpAddress;

/** The network layer as a transport protocol sees it: all that TCP and UDP need in order to send. Shard thread only. */
public interface IpOutput {
    /** The result of {@link #send}. */
    enum Result {
        /** Handed to the link, or waiting for the link address of the next hop. */
        SENT,
        /** There is no route, or no longer one. */
        NO_ROUTE,
        /** The packet is larger than the path MTU and must not be fragmented. */
        TOO_BIG,
        /** The source address is no longer this host's. */
        NO_SOURCE,
        /** The destination is a broadcast address, and {@link #ALLOW_BROADCAST} was not given. */
        NOT_PERMITTED
    }

    /** For {@link #send}: do not fragment; on IPv4 the DF bit is set. */
    int DONT_FRAGMENT = 1;
    /** For {@link #send}: the destination may be a broadcast address. */
    int ALLOW_BROADCAST = 2;
    /** For {@link #send}: a packet to a group or a broadcast address also goes to this host's own sockets, by way of the loopback. */
    int LOOP = 4;

    /**
     * Finds the way to a destination and writes it into {@code path}.
     *
     * @param path filled in; unspecified contents if there is no route
     * @param localHigh first half of the source address; both halves of {@link io.isla.netty.wire.IpAddress#ANY_V4} or
     *     {@code ANY_V6} let the network layer choose (RFC 6724, RFC 1122 §3.3.4.3)
     * @param localLow second half of it
     * @param remoteHigh first half of the destination
     * @param remoteLow second half of it
     * @return whether there is a route, and the source address is one of this host's
     */
    boolean resolve(Path path, long localHigh, long localLow, long remoteHigh, long remoteLow);

    /**
     * Brings {@code path} up to date if routes or the path MTU have changed since it was resolved. Cheap when nothing has changed. A
     * transport calls this before it uses {@link Path#mtu()} to size a packet.
     *
     * @return whether the path is still usable
     */
    boolean refresh(Path path);

    /**
     * Sends a packet: writes the IP header (and what comes before it) in front of the headers in {@code frame} and transmits
     * it; segmentation and checksum requests of the frame are honoured by the link. On return the frame may be used again.
     *
     * @param frame holds the transport header and payload
     * @param path where to
     * @param protocol the transport protocol number
     * @param trafficClass the TOS or traffic class octet
     * @param hopLimit the TTL or hop limit, 1 to 255; 0 to a group reaches this host's own sockets only
     * @param flags {@link #DONT_FRAGMENT}, {@link #ALLOW_BROADCAST}, {@link #LOOP} or 0
     * @param now the present, in nanoseconds
     */
    Result send(OutboundFrame frame, Path path, int protocol, int trafficClass, int hopLimit, int flags, long now);

    /**
     * Says that the peer was heard in answer to what was sent to it: its next hop is reachable (RFC 4861 §7.3.1). Cheap.
     *
     * @param now the present, in nanoseconds
     */
    void confirm(Path path, long now);

    /** Says that what is sent on this path seems to go nowhere (RFC 9293 MUST-20, RFC 1122 §3.3.1.4): the next hop is probed again. */
    void suspect(Path path, long now);

    /**
     * Takes note of the path MTU that an ICMP error ({@link IcmpErrorKind#PACKET_TOO_BIG}) has told. The transport calls this once it has
     * found that the error is about something it has really sent (RFC 5927 §7.2, RFC 8201 §4); paths to that destination notice at their
     * next {@link #refresh}. A path MTU is only ever lowered by this, and grows again when the entry has aged.
     *
     * @param mtu {@link IcmpError#mtu()} in bytes; 0 means that the router did not tell, and the next lower plateau of RFC 1191 §7.1 is
     *     taken
     * @param now the present, in nanoseconds
     */
    void updatePathMtu(long localHigh, long localLow, long remoteHigh, long remoteLow, int mtu, long now);

    /** Whether packets may be sent from an address: it is one of this host's own, or of those that it stands in for. */
    boolean isSource(long high, long low);

    /** Whether an address is the limited broadcast address or that of one of this host's subnets. */
    boolean isBroadcast(IpAddress address);

    /** Whether the address is one of this host's own unicast addresses (loopback included). */
    boolean isLocal(long high, long low);
}
