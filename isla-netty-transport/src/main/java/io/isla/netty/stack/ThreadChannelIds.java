/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.netty.channel.ChannelId;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.function.Supplier;

/**
 * Who names the channels that a thread makes: nobody in particular, unless a simulation has its own names for them, which are the same each time. By
 * thread, because a channel gets its name before it has an event loop.
 */
public final class ThreadChannelIds {
    private static final FastThreadLocal<Supplier<ChannelId>> SOURCE = new FastThreadLocal<>();

    private ThreadChannelIds() {}

    /** Sets who names the channels that this thread makes from now on; {@code null} for nobody in particular. */
    public static void source(Supplier<ChannelId> source) {
        if (source == null) {
            SOURCE.remove();
        } else {
            SOURCE.set(source);
        }
    }

    /** Who names the channels that this thread makes; {@code null} if nobody in particular. */
    public static Supplier<ChannelId> source() {
        return SOURCE.get();
    }
}
