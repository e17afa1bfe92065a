/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.wire.TcpHeader;
import org.junit.jupiter.api.Test;

/** What {@link SegmentBenchmark} measures is a connection that works. */
class ShardUnderLoadTest {
    private static final int BYTES = 1000;
    private static final int SEGMENTS = 1000;

    @Test
    void itsUserReadsEachSegmentInItsTurn() throws Exception {
        try (ShardUnderLoad shard = new ShardUnderLoad(BYTES)) {
            long before = shard.turn();
            for (int i = 1; i <= SEGMENTS; i++) {
                shard.receive(TcpHeader.PSH | TcpHeader.ACK, BYTES);
                assertThat(shard.turn()).isEqualTo(before + (long) i * BYTES);
            }
        }
    }

    @Test
    void whatIsWrittenLeavesInItsTurnWhenAllBeforeItIsAcknowledged() throws Exception {
        try (ShardUnderLoad shard = new ShardUnderLoad(BYTES)) {
            shard.receive(TcpHeader.ACK, 0);
            long before = shard.turn();
            for (int i = 1; i <= SEGMENTS; i++) {
                shard.write();
                assertThat(shard.turn()).isEqualTo(before + (long) i * BYTES);
                shard.receive(TcpHeader.ACK, 0);
                shard.turn();
            }
        }
    }
}
