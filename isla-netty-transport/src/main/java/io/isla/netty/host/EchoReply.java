/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import java.net.InetAddress;

/**
 * The reply to an ICMP echo request.
 *
 * @param from who has replied
 * @param size bytes of data that have come back
 * @param hopLimit the TTL or hop limit with which the reply has arrived
 * @param roundTripNanos from sending the request to receiving the reply, in nanoseconds of the event loop's clock
 */
public record EchoReply(InetAddress from, int size, int hopLimit, long roundTripNanos) {}
