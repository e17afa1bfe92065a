/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import io.isla.netty.ip.IcmpErrorKind;
import java.io.IOException;
import java.net.InetAddress;

/** Says that an ICMP error has come back instead of a reply, or that this host has found out that there can be none. */
public final class IcmpErrorException extends IOException {
    private static final long serialVersionUID = 1;

    private final InetAddress reporter;
    private final int type;
    private final int code;

    IcmpErrorException(InetAddress reporter, IcmpErrorKind kind, int type, int code, int mtu) {
        super(text(kind, mtu));
        this.reporter = reporter;
        this.type = type;
        this.code = code;
    }

    /** Who says so: a router, the destination, or this host itself. */
    public InetAddress reporter() {
        return reporter;
    }

    /** The type of the message: that of ICMP or of ICMPv6, as the reporter's address is. */
    public int type() {
        return type;
    }

    /** The code of the message. */
    public int code() {
        return code;
    }

    /** In the words of ping(8). */
    private static String text(IcmpErrorKind kind, int mtu) {
        return switch (kind) {
            case NETWORK_UNREACHABLE -> "Destination Net Unreachable";
            case HOST_UNREACHABLE -> "Destination Host Unreachable";
            case PROTOCOL_UNREACHABLE -> "Destination Protocol Unreachable";
            case PORT_UNREACHABLE -> "Destination Port Unreachable";
            case PACKET_TOO_BIG -> "Packet too big: mtu = " + mtu;
            case SOURCE_ROUTE_FAILED -> "Source Route Failed";
            case ADMINISTRATIVELY_PROHIBITED -> "Destination unreachable: Administratively prohibited";
            case TIME_EXCEEDED -> "Time to live exceeded";
            case PARAMETER_PROBLEM -> "Parameter problem";
        };
    }
}
