/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.SingleThreadEventExecutor;
import java.util.concurrent.TimeUnit;

/** The loops of a group of two: the one that leads its host, and always runs, and the one that can be suspended. */
record Suspension(EventLoop leading, EventLoop other) {
    static Suspension of(EventLoopGroup group) throws Exception {
        EventLoop leading = null;
        EventLoop other = null;
        for (EventExecutor loop : group) {
            // It has begun once it has run a task.
            loop.submit(() -> {}).get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
        }
        for (EventExecutor loop : group) {
            if (((IslaEventLoop) loop).isLeading()) {
                leading = (EventLoop) loop;
            } else {
                other = (EventLoop) loop;
            }
        }
        assertThat(leading).isNotNull();
        assertThat(other).isNotNull();
        return new Suspension(leading, other);
    }

    /** The thread of the loop that can be suspended; if there was none, there is one now. */
    Thread thread() throws Exception {
        return other.submit(Thread::currentThread).get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    /** Asks the loop to let its thread go as soon as it can. */
    void ask() {
        assertThat(((SingleThreadEventExecutor) other).trySuspend()).isTrue();
    }

    /** The loop lets its thread go. */
    static void awaitEnd(Thread thread) throws InterruptedException {
        thread.join(TimeUnit.SECONDS.toMillis(TwoHosts.DEADLINE_SECONDS));
        assertThat(thread.isAlive()).isFalse();
    }

    /** Has it suspended. */
    void suspend() throws Exception {
        // Netty's acceptor may still be about to listen to the registration of a channel that is closed again, which it
        // does by a task there.
        leading.submit(() -> {}).get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS);
        Thread thread = thread();
        ask();
        awaitEnd(thread);
        assertThat(other.isSuspended()).isTrue();
    }
}
