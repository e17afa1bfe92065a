/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.netty.buffer.ByteBufAllocator;
import io.netty.util.concurrent.Ticker;

/** The event loop of a shard, as the shard sees it. */
public interface ShardLoop {
    /** Runs a task on the loop; returns whether it will, which one that has shut down does not. Any thread. */
    boolean execute(Runnable task);

    /** Whether the caller is on the loop. */
    boolean inLoop();

    /** Makes the loop run a turn soon, even if it is waiting. Any thread. */
    void wakeup();

    /**
     * Has the link's queue exchanged for another: what is registered of the present one is taken back before, and the other one's handles are registered
     * after it. On the loop.
     */
    default void relink(Runnable exchange) {
        exchange.run();
    }

    /** The loop's clock. */
    Ticker ticker();

    /** For everything that the shard allocates. */
    ByteBufAllocator allocator();

    /** The group of loops that it is one of, or itself if it is in none: loops that serve the same listeners. */
    default Object group() {
        return this;
    }
}
