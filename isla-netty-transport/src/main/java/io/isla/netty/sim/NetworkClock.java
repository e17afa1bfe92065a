/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.netty.util.concurrent.Ticker;

/** The time of a network and what happens in it: virtual, or that of the machine. */
interface NetworkClock {
    /** The present, in nanoseconds since the network began. Any thread. */
    long now();

    /** Has something happen at a time, in nanoseconds since the network began, on the network's thread. Events of one time happen in the order of these calls. */
    void at(long time, Runnable action);

    /** What event loops read the time from. */
    Ticker ticker();
}
