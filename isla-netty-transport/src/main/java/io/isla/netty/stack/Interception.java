/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.timer.Timer;
import io.isla.netty.wire.IpAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Ends the acceptance of packets to addresses that are not the host's own once the listener that wanted it is closed and the last connection to such an address has
 * ended: looks for one now and then.
 */
final class Interception implements LeaderTask {
    private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final HostStack host;
    private final HostListener listener;
    private Timer timer;

    Interception(HostStack host, HostListener listener) {
        this.host = host;
        this.listener = listener;
    }

    @Override
    public void begin(Shard leader, long now) {
        timer = new Timer() {
            @Override
            protected void expire(long time) {
                look(leader);
            }
        };
        look(leader);
    }

    @Override
    public void end(Shard leader, long now) {
        leader.timers().cancel(timer);
        timer = null;
    }

    private void look(Shard leader) {
        List<Shard> all = host.shards();
        AtomicBoolean found = new AtomicBoolean();
        HostStack.askAll(all, shard -> found.compareAndSet(false, hasForeignFlow(shard)), () -> {
            if (!found.get()) {
                host.network().withdraw(listener);
                host.removeLeaderTask(this);
            } else {
                leader.execute(() -> {
                    if (timer != null) {
                        leader.timers().arm(timer, leader.now() + INTERVAL_NANOS);
                    }
                });
            }
        });
    }

    private boolean hasForeignFlow(Shard shard) {
        boolean[] found = new boolean[1];
        if (!shard.isClosed()) {
            shard.tcp()
                    .forEachFlow((localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort) ->
                            found[0] |= !host.network().has(IpAddress.of(localHigh, localLow))
                                    && !IpAddress.isLoopback(localHigh, localLow));
        }
        return found[0];
    }
}
