/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.udp;

/** What UDP counts; {@link #toString()} is the name in {@code /proc/net/snmp} where Linux has the counter. */
public enum UdpCounter {
    /** Datagrams delivered to an endpoint. */
    IN_DATAGRAMS("UdpInDatagrams"),
    /** Datagrams to a port that nobody has bound. */
    NO_PORTS("UdpNoPorts"),
    /** Datagrams that were malformed, or dropped for another reason. */
    IN_ERRORS("UdpInErrors"),
    /** Datagrams whose checksum was wrong, or absent on IPv6. */
    IN_CSUM_ERRORS("UdpInCsumErrors"),
    /** Datagrams dropped because their endpoint's receive queue was full. */
    RCVBUF_ERRORS("UdpRcvbufErrors"),
    /** Datagrams that lost their end, because they were read into buffers shorter than they are. */
    TRUNCATED("IslaUdpTruncated"),
    /** Multicast and broadcast datagrams that no endpoint wanted. */
    IGNORED_MULTI("UdpIgnoredMulti"),
    /** Datagrams sent. */
    OUT_DATAGRAMS("UdpOutDatagrams"),
    /** Datagrams that could not be sent. */
    OUT_ERRORS("IslaUdpOutErrors"),
    /** ICMP errors that concerned no endpoint. */
    ICMP_IGNORED("IslaUdpIcmpIgnored");

    private final String text;

    UdpCounter(String text) {
        this.text = text;
    }

    @Override
    public String toString() {
        return text;
    }
}
