/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.LinkReceiver;
import io.isla.netty.link.MemoryLink;
import io.isla.netty.wire.TcpHeader;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ManualIoEventLoop;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The timers of connections on a loop that is run by the test, on a clock that the test sets: the peer hears, and says nothing. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class LoopTimersTest {
    private static final int PORT = 80;

    private final MemoryLink.Pair link =
            MemoryLink.builder().medium(Link.Medium.IP).pair("manual", "silent");
    private final IslaHost host = IslaHost.builder()
            .link(link.first())
            .address("10.0.0.1/24")
            .closeWhenUnused(true)
            .build();
    private final MockTicker ticker = Ticker.newMockTicker();
    private final List<Long> synSeconds = new ArrayList<>();
    private ManualIoEventLoop loop;
    private LinkQueue peer;

    @BeforeEach
    void open() throws IOException {
        loop = new ManualIoEventLoop(null, Thread.currentThread(), IslaIoHandler.newFactory(host), ticker);
        peer = link.second().openQueue(new Peer(), () -> {}, ByteBufAllocator.DEFAULT);
    }

    @AfterEach
    void close() {
        loop.shutdownGracefully(0, 0, TimeUnit.SECONDS);
        while (!loop.isTerminated()) {
            loop.runNow();
            ticker.advanceMillis(100);
        }
        peer.close();
        link.close();
        assertThat(host.isClosed()).isTrue();
    }

    /** Notes when it hears a SYN. */
    private final class Peer implements LinkReceiver {
        @Override
        public void onFrame(InboundFrame frame) {
            int tcp = frame.offset() + 20;
            assertThat(TcpHeader.destinationPort(frame.buffer(), tcp)).isEqualTo(PORT);
            synSeconds.add(TimeUnit.NANOSECONDS.toSeconds(ticker.nanoTime()));
        }

        @Override
        public void onLinkFailure(IOException cause) {
            // The end of the test.
        }
    }

    /** Lets time pass in steps of 100 ms. */
    private void run(int seconds) {
        for (int i = 0; i < seconds * 10; i++) {
            loop.runNow();
            peer.poll(100);
            ticker.advanceMillis(100);
        }
    }

    private void connect() {
        // Registered on this thread, which is the loop's, before the loop has ever run.
        new Bootstrap()
                .group(loop)
                .channel(IslaSocketChannel.class)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 0)
                .handler(new ChannelInboundHandlerAdapter())
                .connect("10.0.0.2", PORT);
    }

    @Test
    void timersOfConnectionsRunOnTheLoopsClock() {
        connect();
        run(20);

        assertThat(synSeconds).containsExactly(0L, 1L, 3L, 7L, 15L);
    }

    @Test
    void aWaitEndsWithTheNextTimerOfAConnection() {
        connect();
        loop.runNow();

        // The timer is a second away on a clock that stands still; all the loop knows is how long it would be.
        long start = System.nanoTime();
        long waited = 0;
        // A parked thread may go on for no reason, or for one of before; not each time.
        for (int i = 0; i < 5 && waited < 500; i++) {
            loop.run(TimeUnit.SECONDS.toNanos(60), 0);
            waited = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        }

        assertThat(waited).isBetween(500L, 10_000L);
    }
}
