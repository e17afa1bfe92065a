/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.wire.IpAddress;

/**
 * An ICMP echo request to be sent.
 *
 * @param to whom
 * @param from the source address, or {@code null} to have it chosen
 * @param size bytes of data, 0 to 65,507, for IPv6 65,527
 * @param hopLimit the TTL or hop limit, 1 to 255
 * @param dontFragment whether it is refused rather than sent in fragments if it is larger than the path MTU
 * @param timeoutNanos for how long to wait for the reply
 */
public record EchoRequest(
        IpAddress to, IpAddress from, int size, int hopLimit, boolean dontFragment, long timeoutNanos) {}
