/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import java.util.function.LongSupplier;

/**
 * Limits the challenge ACKs of a shard (RFC 5961 §7). The budget of each second is random within limits, so that a third party cannot count
 * what is left of it (CVE-2016-5696).
 */
final class ChallengeAckLimiter {
    private static final long SECOND = 1_000_000_000L;

    private final int perSecond;
    private final LongSupplier random;
    private long secondStart;
    private int left;
    private boolean started;

    ChallengeAckLimiter(int perSecond, LongSupplier random) {
        this.perSecond = perSecond;
        this.random = random;
    }

    boolean tryTake(long now) {
        if (!started || now - secondStart >= SECOND) {
            started = true;
            secondStart = now;
            int half = (perSecond + 1) / 2;
            left = half + (int) Math.floorMod(random.getAsLong(), (long) Math.max(1, perSecond));
        }
        if (left <= 0) {
            return false;
        }
        left--;
        return true;
    }
}
