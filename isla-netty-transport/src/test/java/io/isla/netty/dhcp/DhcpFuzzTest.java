/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.wire.DhcpHeader;
import io.isla.netty.wire.DhcpOption;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Throws damaged messages at a client in every state. Nothing may be thrown, and of every message some counter must tell what became of it.
 * {@code -Disla.fuzz.seed=} repeats a run.
 */
class DhcpFuzzTest {
    private static final List<DhcpCounter> FATES = List.of(
            DhcpCounter.IN_ERRORS,
            DhcpCounter.IN_UNRELATED,
            DhcpCounter.IN_IGNORED,
            DhcpCounter.IN_OFFERS,
            DhcpCounter.IN_ACKS,
            DhcpCounter.IN_NAKS);

    private final long seed = Long.getLong("isla.fuzz.seed", System.nanoTime());
    private final SplittableRandom random = new SplittableRandom(seed);

    @Test
    void survivesWhateverArrives() {
        ScriptedDhcp dhcp = null;
        ClientMessage last = null;
        for (int i = 0; i < 50_000; i++) {
            if (dhcp == null || random.nextInt(500) == 0) {
                dhcp = new ScriptedDhcp(
                        random.nextBoolean() ? ScriptedDhcp.parameters() : ScriptedDhcp.checking(), random.nextLong());
                last = dhcp.start().next(DhcpOption.DISCOVER);
            }
            long before = fates(dhcp);
            ByteBuf message = damaged(message(last).end());
            String hex = ByteBufUtil.hexDump(message);
            try {
                dhcp.receive(message);
                if (dhcp.client.state() == DhcpState.CHECKING && random.nextInt(4) == 0) {
                    dhcp.client.probeFinished(ServerMessage.ip(ScriptedDhcp.ADDRESS), random.nextInt(8) == 0, dhcp.now);
                }
                if (random.nextInt(10) == 0) {
                    dhcp.pass(random.nextInt(1000));
                }
                if (random.nextInt(100) == 0) {
                    dhcp.client.linkUp(dhcp.now);
                }
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ", message " + i + ": " + hex, e);
            }
            assertThat(fates(dhcp) - before)
                    .as("counted of message %s: %s, seed %s", i, hex, seed)
                    .isEqualTo(1);
            last = dhcp.lastSent(last);
        }
    }

    private static long fates(ScriptedDhcp dhcp) {
        return FATES.stream().mapToLong(dhcp::counted).sum();
    }

    private ServerMessage message(ClientMessage last) {
        int[] types = {DhcpOption.OFFER, DhcpOption.ACK, DhcpOption.ACK, DhcpOption.NAK};
        ServerMessage message = new ServerMessage(types[random.nextInt(types.length)], last)
                .your(ScriptedDhcp.ADDRESS)
                .server(ScriptedDhcp.SERVER)
                .lease(1 + random.nextInt(4000));
        for (int i = random.nextInt(6); i > 0; i--) {
            int code = LeaseReader.REQUESTED[random.nextInt(LeaseReader.REQUESTED.length)] & 0xff;
            byte[] value = new byte[random.nextInt(20)];
            random.nextBytes(value);
            message.option(code, value);
        }
        if (random.nextInt(4) == 0) {
            message.option(DhcpOption.OVERLOAD, random.nextInt(5));
            for (int i = 0; i < 20; i++) {
                message.at(DhcpHeader.SERVER_NAME + random.nextInt(192), random.nextInt(256));
            }
        }
        return message;
    }

    private ByteBuf damaged(ByteBuf message) {
        int length = message.readableBytes();
        switch (random.nextInt(4)) {
            case 0 -> {
                for (int i = 1 + random.nextInt(4); i > 0; i--) {
                    message.setByte(random.nextInt(length), random.nextInt(256));
                }
            }
            case 1 -> message.writerIndex(random.nextInt(length + 1));
            case 2 -> {
                int at = DhcpHeader.LENGTH + random.nextInt(length - DhcpHeader.LENGTH);
                message.setByte(at, random.nextInt(256));
            }
            default -> {
                // As it is: states are to be reached.
            }
        }
        return message;
    }
}
