/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

/** What an ICMP or ICMPv6 error means for a transport, in the terms of both families (RFC 1122 §4.2.3.9, RFC 4443 §3). */
public enum IcmpErrorKind {
    /** No route to the network or destination. */
    NETWORK_UNREACHABLE,
    /** The destination host does not answer on its link. */
    HOST_UNREACHABLE,
    /** The destination does not speak the protocol. */
    PROTOCOL_UNREACHABLE,
    /** Nobody listens on the port. */
    PORT_UNREACHABLE,
    /** The packet was too big for a link on its way and might not be fragmented. */
    PACKET_TOO_BIG,
    /** A source route failed. */
    SOURCE_ROUTE_FAILED,
    /** Communication is forbidden by policy. */
    ADMINISTRATIVELY_PROHIBITED,
    /** The TTL or hop limit ran out. */
    TIME_EXCEEDED,
    /** A header field was not understood. */
    PARAMETER_PROBLEM
}
