/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.testing.LogWatch;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is sent again is what was written, whatever its owner has done with the memory since; and every buffer is released once, however it ends. */
@Timeout(WatchedHosts.DEADLINE_SECONDS)
class RetransmissionTest {
    private static final int LENGTH = 5_000;

    @RegisterExtension
    final WatchedHosts hosts = new WatchedHosts();

    private final EventLog clientLog = new EventLog();
    private final EventLog childLog = new EventLog();
    private final LogWatch log = new LogWatch();
    private ConnectedPair pair;

    @AfterEach
    void listenNoMore() {
        log.close();
    }

    @BeforeEach
    void connect() throws Exception {
        pair = hosts.connect(
                hosts.serverBootstrap(childLog),
                childLog,
                hosts.clientBootstrap(clientLog).option(ChannelOption.SO_SNDBUF, 1 << 20));
        hosts.pass(10);
    }

    private static byte[] random(int seed) {
        byte[] bytes = new byte[LENGTH];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    /** A kind of buffer that an owner may still have when its write is done. */
    enum Kind {
        HEAP {
            @Override
            Written of(byte[] bytes) {
                byte[] array = bytes.clone();
                return new Written(Unpooled.wrappedBuffer(array), () -> Arrays.fill(array, (byte) 0), null);
            }
        },
        RETAINED_DIRECT {
            @Override
            Written of(byte[] bytes) {
                ByteBuf owned = direct(bytes);
                return new Written(owned.retain(), () -> owned.setZero(0, LENGTH), owned);
            }
        },
        RETAINED_READ_ONLY {
            @Override
            Written of(byte[] bytes) {
                ByteBuf owned = direct(bytes);
                return new Written(owned.retain().asReadOnly(), () -> owned.setZero(0, LENGTH), owned);
            }
        },
        SLICE_OF_WHAT_SOMEBODY_HAS {
            @Override
            Written of(byte[] bytes) {
                ByteBuf owned = direct(bytes);
                return new Written(owned.retainedSlice(), () -> owned.setZero(0, LENGTH), owned);
            }
        },
        COMPOSITE_WITH_WHAT_SOMEBODY_HAS {
            @Override
            Written of(byte[] bytes) {
                ByteBuf owned = direct(bytes);
                CompositeByteBuf composite = PooledByteBufAllocator.DEFAULT.compositeBuffer();
                composite.addComponent(true, owned.retainedSlice(0, 2_000));
                composite.addComponent(true, owned.retainedSlice(2_000, LENGTH - 2_000));
                return new Written(composite, () -> owned.setZero(0, LENGTH), owned);
            }
        },
        MEMORY_OF_THE_USERS_OWN {
            @Override
            Written of(byte[] bytes) {
                ByteBuffer memory = ByteBuffer.allocateDirect(LENGTH);
                memory.put(bytes).flip();
                return new Written(
                        Unpooled.wrappedBuffer(memory),
                        () -> {
                            for (int i = 0; i < LENGTH; i++) {
                                memory.put(i, (byte) 0);
                            }
                        },
                        null);
            }
        };

        abstract Written of(byte[] bytes);

        static ByteBuf direct(byte[] bytes) {
            return PooledByteBufAllocator.DEFAULT.directBuffer(bytes.length).writeBytes(bytes);
        }
    }

    /**
     * A buffer that is written.
     *
     * @param change overwrites its memory, as its owner may once the write is done
     * @param owned what the owner has a reference to; {@code null} if there is nothing
     */
    record Written(ByteBuf buffer, Runnable change, ByteBuf owned) {}

    @ParameterizedTest
    @EnumSource
    void memoryThatItsOwnerChangesAfterTheWriteIsSentAgainAsItWas(Kind kind) {
        hosts.lose(packet -> packet.from().equals(WatchedHosts.CLIENT) && packet.isData());
        hosts.packets.clear();
        List<Written> written = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Written w = kind.of(random(i));
            written.add(w);
            ChannelFuture write = pair.client().writeAndFlush(w.buffer);
            assertThat(write.isSuccess()).isTrue();
            if (w.owned != null) {
                assertThat(w.owned.refCnt()).isEqualTo(1);
            }
        }
        hosts.turn();
        // It has been sent, and lost; only now does the owner make use of it.
        assertThat(hosts.packets.dataFrom(WatchedHosts.CLIENT)).isNotEmpty();
        written.forEach(w -> w.change.run());
        hosts.pass(300);
        hosts.lose(packet -> false);

        hosts.until(() -> childLog.bytes().length == 4 * LENGTH);

        for (int i = 0; i < 4; i++) {
            assertThat(Arrays.copyOfRange(childLog.bytes(), i * LENGTH, (i + 1) * LENGTH))
                    .isEqualTo(random(i));
        }
        hosts.pass(1_000);
        for (Written w : written) {
            if (w.owned != null) {
                assertThat(w.owned.refCnt()).isEqualTo(1);
                w.owned.release();
            }
        }
    }

    @Test
    void everyThirdPacketLostBothWaysChangesNothing() {
        int[] count = {0};
        hosts.lose(packet -> packet.isData() && ++count[0] % 3 == 0);
        byte[] expected = new byte[40 * LENGTH];
        for (int i = 0; i < 40; i++) {
            byte[] bytes = random(i);
            System.arraycopy(bytes, 0, expected, i * LENGTH, LENGTH);
            Written w = Kind.values()[i % Kind.values().length].of(bytes);
            pair.client().writeAndFlush(w.buffer).addListener(write -> {
                w.change.run();
                if (w.owned != null) {
                    w.owned.release();
                }
            });
            pair.child().writeAndFlush(Unpooled.wrappedBuffer(bytes));
            hosts.turn();
        }

        hosts.until(() -> childLog.bytes().length == expected.length && clientLog.bytes().length == expected.length);

        assertThat(childLog.bytes()).isEqualTo(expected);
        assertThat(clientLog.bytes()).isEqualTo(expected);
    }

    // ------------------------------------------------------------------------------------------------ released once

    /** How a connection whose peer has acknowledged nothing may go on. */
    enum End {
        ACKNOWLEDGED,
        RESET_BY_PEER,
        RESET_HERE,
        CLOSED_THEN_ACKNOWLEDGED,
        CLOSED_THEN_RESET_BY_PEER,
        LOOP_SHUT_DOWN,
        HOST_CLOSED
    }

    /** Large direct buffers that nobody else has are kept without a copy. */
    @ParameterizedTest
    @EnumSource
    void aKeptBufferIsReleasedOnceWhenItIsOfNoUseAnyMore(End end) {
        hosts.lose(packet -> packet.from().equals(WatchedHosts.CLIENT) && packet.isData());
        List<ByteBuf> buffers = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            ByteBuf buffer = Kind.direct(random(i));
            buffers.add(buffer);
            pair.client().writeAndFlush(buffer);
        }
        hosts.pass(50);
        assertThat(buffers).allMatch(buffer -> buffer.refCnt() == 1);
        Channel client = pair.client();

        switch (end) {
            case ACKNOWLEDGED -> hosts.lose(packet -> false);
            case RESET_BY_PEER -> reset(pair.child());
            case RESET_HERE -> reset(client);
            case CLOSED_THEN_ACKNOWLEDGED -> {
                hosts.await(client.close());
                hosts.pass(50);
                assertThat(buffers).allMatch(buffer -> buffer.refCnt() == 1);
                hosts.lose(packet -> false);
            }
            case CLOSED_THEN_RESET_BY_PEER -> {
                hosts.await(client.close());
                reset(pair.child());
            }
            case LOOP_SHUT_DOWN -> hosts.client.shutdownGracefully(0, 0, TimeUnit.SECONDS);
            default -> hosts.clientHost.close();
        }

        hosts.until(() -> buffers.stream().allMatch(buffer -> buffer.refCnt() == 0));
        // A second release would be an exception in the loop, or take a buffer from who has got it since.
        List<ByteBuf> since = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            since.add(Kind.direct(random(i)));
        }
        hosts.lose(packet -> false);
        hosts.pass(5_000);
        assertThat(since).allMatch(ByteBuf::release);
        assertThat(log.warnings()).isEmpty();
        if (end == End.ACKNOWLEDGED || end == End.CLOSED_THEN_ACKNOWLEDGED) {
            assertThat(childLog.bytes()).hasSize(5 * LENGTH);
        }
    }

    private static void reset(Channel channel) {
        channel.config().setOption(ChannelOption.SO_LINGER, 0);
        channel.close();
    }
}
