/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.tcp.TcpConnection;
import io.netty.util.concurrent.Future;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * A close that waits until the peer has acknowledged everything, or SO_LINGER has passed, without a thread that does the waiting: Netty hands what is to be
 * done after the wait to this executor. Event loop only.
 */
final class LingeringClose implements Executor {
    private final AbstractIslaStreamChannel channel;
    private final int seconds;
    private Runnable close;
    private Future<?> timeout;

    LingeringClose(AbstractIslaStreamChannel channel, int seconds) {
        this.channel = channel;
        this.seconds = seconds;
    }

    /** Whether closing a connection takes a wait: not if there is nothing to wait for, or data is thrown away unread and so resets it. */
    static boolean isNeeded(TcpConnection c) {
        return c != null
                && c.state().isSynchronized()
                && c.error() == null
                && c.readableBytes() == 0
                && !c.isOutputDone();
    }

    @Override
    public void execute(Runnable command) {
        close = command;
        timeout = channel.eventLoop().schedule(this::finish, seconds, TimeUnit.SECONDS);
        channel.shutdownConnectionOutput();
        if (!isNeeded(channel.connection())) {
            finish();
        }
    }

    /** The wait is over. */
    void finish() {
        timeout.cancel(false);
        Runnable command = close;
        close = null;
        if (command != null) {
            command.run();
        }
    }
}
