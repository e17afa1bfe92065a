/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.stack.HostStack;
import io.isla.netty.stack.Shard;
import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpSettings;
import io.isla.netty.wire.IpAddress;
import io.netty.channel.Channel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A connection that waits for its first data when its shard asks who would leave. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class DeferredAcceptTest {
    private static final int PORT = 80;

    @RegisterExtension
    final TwoHosts hosts = new TwoHosts();

    private final AcceptQueue queue = new AcceptQueue(() -> {}, () -> 3600);
    private final EventLog clientLog = new EventLog();

    @BeforeEach
    void connect() throws Exception {
        HostStack host = hosts.serverHost.stack();
        host.listeners().listen(IpAddress.ANY_V6, PORT, 10, false, false, new TcpSettings(), queue);
        Channel client =
                hosts.client(clientLog).connect(TwoHosts.SERVER, PORT).sync().channel();
        assertThat(client.isActive()).isTrue();
        hosts.settle();
    }

    /** Does something on the thread of each shard of the server's host, and gathers what it returns. */
    private List<TcpConnection> onShards(Function<Shard, List<TcpConnection>> work) throws Exception {
        List<TcpConnection> all = new ArrayList<>();
        for (Shard shard : hosts.serverHost.stack().shards()) {
            CompletableFuture<List<TcpConnection>> done = new CompletableFuture<>();
            shard.loop().execute(() -> {
                try {
                    done.complete(work.apply(shard));
                } catch (Throwable t) {
                    done.completeExceptionally(t);
                }
            });
            all.addAll(done.get(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS));
        }
        return all;
    }

    @Test
    void isAcceptedElsewhere() throws Exception {
        assertThat(queue.isEmpty()).isTrue();
        assertThat(onShards(shard -> shard.tcp().inheritable())).hasSize(1);
        assertThat(queue.isEmpty()).isFalse();
        queue.close();
        clientLog.await("unregistered");
    }

    @Test
    void isResetAndNotLeftToOthersIfItsServerHasBeenClosedJustBefore() throws Exception {
        assertThat(onShards(shard -> {
                    if (shard.tcp().flowCount() == 0) {
                        return List.of();
                    }
                    // Before the shard hears of it.
                    queue.close();
                    return shard.tcp().inheritable();
                }))
                .isEmpty();
        clientLog.await("unregistered");
        assertThat(clientLog.exception()).hasMessageContaining("reset");
    }
}
