/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.udp;

import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;

/**
 * A datagram that was received.
 *
 * @param payload who takes the datagram owns it; may be empty
 * @param source where it came from
 * @param sourcePort the port there
 * @param destination where it was sent to
 * @param destinationPort the port here
 * @param trafficClass the TOS or traffic class octet
 * @param hopLimit the TTL or hop limit with which it arrived
 */
public record UdpDatagram(
        ByteBuf payload,
        IpAddress source,
        int sourcePort,
        IpAddress destination,
        int destinationPort,
        int trafficClass,
        int hopLimit) {}
