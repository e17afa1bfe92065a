/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelOption;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Timestamps never go back from one segment to the next: the peer would refuse the second as one of the past (RFC 7323 §5). */
@Timeout(WatchedHosts.DEADLINE_SECONDS)
class TimestampOrderTest {
    /** The initial window takes less; the rest goes out as acknowledgements come. */
    private static final int FIRST = 16_000;

    private static final int SECOND = 3_000;

    @RegisterExtension
    final WatchedHosts hosts = new WatchedHosts();

    private final EventLog childLog = new EventLog();
    private ConnectedPair pair;

    @BeforeEach
    void connect() throws Exception {
        pair = hosts.connect(
                hosts.serverBootstrap(childLog),
                childLog,
                hosts.clientBootstrap(new EventLog()).option(ChannelOption.TCP_NODELAY, true));
        hosts.pass(10);
        hosts.packets.clear();
    }

    /** Each packet from the server takes a while to be taken in. */
    private void timePassesWithEachPacket() {
        hosts.lose(packet -> {
            if (packet.from().equals(WatchedHosts.SERVER)) {
                hosts.ticker.advanceMillis(3);
            }
            return false;
        });
    }

    private void assertTimestampsInOrder() {
        hosts.until(() -> childLog.bytes().length == FIRST + SECOND);
        List<Integer> timestamps = hosts.packets.dataFrom(WatchedHosts.CLIENT).stream()
                .map(PacketLog.Packet::timestamp)
                .toList();
        assertThat(timestamps).doesNotContain(0);
        for (int i = 1; i < timestamps.size(); i++) {
            assertThat(timestamps.get(i) - timestamps.get(i - 1))
                    .as("step %d of %s", i, timestamps)
                    .isNotNegative();
        }
    }

    @Test
    void inAWriteThatTakesInWhatHasArrivedMeanwhile() {
        pair.client().writeAndFlush(Unpooled.wrappedBuffer(new byte[FIRST]));
        hosts.server.runNow();
        timePassesWithEachPacket();
        // A handler has had the loop for this long.
        hosts.ticker.advanceMillis(5);

        pair.client().writeAndFlush(Unpooled.wrappedBuffer(new byte[SECOND]));

        assertTimestampsInOrder();
    }
}
