/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.netty.util.concurrent.Ticker;

/** Virtual time. */
final class VirtualClock implements NetworkClock {
    private final VirtualTime time = new VirtualTime();

    VirtualTime time() {
        return time;
    }

    @Override
    public long now() {
        return time.nanoTime();
    }

    @Override
    public void at(long when, Runnable action) {
        time.scheduleAt(when, action);
    }

    @Override
    public Ticker ticker() {
        return time;
    }
}
