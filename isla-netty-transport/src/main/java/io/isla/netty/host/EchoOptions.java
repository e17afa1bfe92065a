/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import java.net.InetAddress;
import java.time.Duration;
import java.util.Objects;

/**
 * How an ICMP echo request is sent. Immutable; each method but {@link #DEFAULT} makes another.
 *
 * @param from the source address, one of the host's; {@code null} to have it chosen
 * @param size bytes of data, 0 to 65,507
 * @param hopLimit the TTL or hop limit, 1 to 255
 * @param dontFragment whether a request that is larger than the path MTU fails instead of being sent in fragments
 * @param timeout for how long the reply is waited for, up to a day
 */
public record EchoOptions(InetAddress from, int size, int hopLimit, boolean dontFragment, Duration timeout) {
    private static final int MAX_SIZE = 65_507;
    private static final Duration MAX_TIMEOUT = Duration.ofDays(1);

    /** 56 bytes of data, a hop limit of 64, in fragments if need be, a second for the reply. */
    public static final EchoOptions DEFAULT = new EchoOptions(null, 56, 64, false, Duration.ofSeconds(1));

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException with the name of the one that is wrong
     */
    public EchoOptions {
        Objects.requireNonNull(timeout, "timeout");
        if (size < 0 || size > MAX_SIZE) {
            throw new IllegalArgumentException("size: " + size + " bytes are not in 0 to " + MAX_SIZE);
        }
        if (hopLimit < 1 || hopLimit > 255) {
            throw new IllegalArgumentException("hopLimit: " + hopLimit + " is not in 1 to 255");
        }
        if (timeout.isNegative() || timeout.isZero() || timeout.compareTo(MAX_TIMEOUT) > 0) {
            throw new IllegalArgumentException("timeout: " + timeout + " is not positive and up to a day");
        }
    }

    /** With another source address; {@code null} to have it chosen. */
    public EchoOptions withFrom(InetAddress address) {
        return new EchoOptions(address, size, hopLimit, dontFragment, timeout);
    }

    /** With other data. */
    public EchoOptions withSize(int bytes) {
        return new EchoOptions(from, bytes, hopLimit, dontFragment, timeout);
    }

    /** With another TTL or hop limit. */
    public EchoOptions withHopLimit(int limit) {
        return new EchoOptions(from, size, limit, dontFragment, timeout);
    }

    /** In one piece, or not at all; or in fragments if need be. */
    public EchoOptions withDontFragment(boolean refuse) {
        return new EchoOptions(from, size, hopLimit, refuse, timeout);
    }

    /** With another time to wait. */
    public EchoOptions withTimeout(Duration time) {
        return new EchoOptions(from, size, hopLimit, dontFragment, time);
    }
}
