/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static io.isla.netty.ip.IpFixture.OWN;
import static io.isla.netty.ip.IpFixture.PEER;
import static io.isla.netty.ip.IpFixture.PEER_LINK;
import static io.isla.netty.ip.IpFixture.PROTOCOL;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReassemblyTest {
    private static final int MORE = 0x2000;

    private final IpFixture host = IpFixture.configured();

    @AfterEach
    void close() {
        host.close();
    }

    private static byte[] fragment(byte[] whole, int from, int to, int identification) {
        return fragment(whole, from, to, to < whole.length, identification);
    }

    private static byte[] fragment(byte[] whole, int from, int to, boolean more, int identification) {
        return Packets.ipv4(
                PEER,
                OWN,
                PROTOCOL,
                64,
                from / 8 | (more ? MORE : 0),
                identification,
                new byte[0],
                Arrays.copyOfRange(whole, from, to));
    }

    private static List<byte[]> fragments(byte[] whole, int size, int identification) {
        List<byte[]> fragments = new ArrayList<>();
        for (int from = 0; from < whole.length; from += size) {
            fragments.add(fragment(whole, from, Math.min(whole.length, from + size), identification));
        }
        return fragments;
    }

    @ParameterizedTest
    @ValueSource(ints = {9, 1481, 20_000, 65_515})
    void putsFragmentsTogetherInWhateverOrderTheyCome(int size) {
        byte[] whole = Packets.bytes(size);
        List<byte[]> fragments = fragments(whole, size < 100 ? 8 : 1480, 7);
        Collections.shuffle(fragments, host.random);

        fragments.forEach(host::receiveIp);

        assertThat(host.received).singleElement().satisfies(received -> {
            assertThat(received.payload()).isEqualTo(whole);
            assertThat(received.checksum()).isEqualTo(InboundFrame.Checksum.UNKNOWN);
            assertThat(received.unicast()).isTrue();
        });
        assertThat(host.count(IpCounter.IP_REASM_OKS)).isEqualTo(1);
        assertThat(host.count(IpCounter.IP_REASM_REQDS)).isEqualTo(fragments.size());
        assertThat(host.timers.size()).isZero();
    }

    @Test
    void tellsPacketsApartByIdentificationAndProtocol() {
        byte[] one = Packets.bytes(40);
        byte[] other = Packets.bytes(56);
        host.register(17);
        host.receiveIp(fragment(one, 0, 16, 1));
        host.receiveIp(fragment(other, 0, 24, 2));
        byte[] otherProtocol = fragment(one, 16, 40, 1);
        otherProtocol[9] = 17;
        Ipv4Header.fillChecksum(Unpooled.wrappedBuffer(otherProtocol), 0);
        host.receiveIp(otherProtocol);
        host.receiveIp(fragment(other, 24, 56, 2));
        host.receiveIp(fragment(one, 16, 40, 1));

        assertThat(host.received).extracting(IpFixture.Received::payload).containsExactly(other, one);
        host.pass(31, TimeUnit.SECONDS);
    }

    @Test
    void theWholePacketHasAHeaderThatFits() {
        byte[] ping = Packets.icmp(8, 0, 1, Packets.bytes(3000));
        host.resolvePeer();
        for (byte[] fragment : fragments(ping, 1480, 9)) {
            fragment[9] = IpProtocol.ICMP;
            Ipv4Header.fillChecksum(Unpooled.wrappedBuffer(fragment), 0);
            host.receiveIp(fragment);
        }
        assertThat(host.queue.sent).as("the reply is split again").hasSize(3);
        assertThat(host.count(IpCounter.ICMP_IN_CSUM_ERRORS)).isZero();
    }

    @Test
    void ignoresDuplicates() {
        byte[] whole = Packets.bytes(48);
        host.receiveIp(fragment(whole, 0, 16, 1));
        host.receiveIp(fragment(whole, 0, 16, 1));
        host.receiveIp(fragment(whole, 32, 48, 1));
        host.receiveIp(fragment(whole, 32, 48, 1));
        host.receiveIp(fragment(whole, 16, 32, 1));

        assertThat(host.received)
                .singleElement()
                .satisfies(received -> assertThat(received.payload()).isEqualTo(whole));
        assertThat(host.count(IpCounter.IP_REASM_BAD_FRAGMENT)).isEqualTo(2);
    }

    @Test
    void overlappingFragmentsSpoilThePacketForGood() {
        byte[] whole = Packets.bytes(48);
        host.receiveIp(fragment(whole, 0, 24, 1));
        host.receiveIp(fragment(whole, 16, 32, 1));
        host.receiveIp(fragment(whole, 0, 16, 1));
        host.receiveIp(fragment(whole, 16, 32, 1));
        host.receiveIp(fragment(whole, 32, 48, 1));

        assertThat(host.received).isEmpty();
        assertThat(host.count(IpCounter.IP_REASM_FAILS)).isEqualTo(1);
        assertThat(host.count(IpCounter.IP_REASM_BAD_FRAGMENT)).isEqualTo(4);
        host.pass(31, TimeUnit.SECONDS);
        fragments(whole, 16, 1).forEach(host::receiveIp);
        assertThat(host.received).as("the identification may be used again").hasSize(1);
    }

    @Test
    void fragmentsBeyondTheEndOrOfTwoEndsContradict() {
        byte[] whole = Packets.bytes(64);
        host.receiveIp(fragment(whole, 16, 32, false, 1));
        host.receiveIp(fragment(whole, 32, 48, true, 1));
        host.receiveIp(fragment(whole, 16, 32, false, 2));
        host.receiveIp(fragment(whole, 8, 16, false, 2));
        host.receiveIp(fragment(whole, 16, 32, true, 3));
        host.receiveIp(fragment(whole, 8, 16, false, 3));

        assertThat(host.count(IpCounter.IP_REASM_FAILS)).isEqualTo(3);
        host.pass(31, TimeUnit.SECONDS);
    }

    @Test
    void aPacketMustNotBecomeTooLong() {
        byte[] part = Packets.bytes(1000);
        for (int offset : new int[] {65_000, 65_528}) {
            host.receiveIp(Packets.ipv4(PEER, OWN, PROTOCOL, 64, offset / 8, 1, new byte[0], part));
        }
        byte[] whole = Packets.bytes(65_528);
        fragments(whole, 8000, 2).forEach(host::receiveIp);

        assertThat(host.received).isEmpty();
        assertThat(host.count(IpCounter.IP_REASM_FAILS)).isEqualTo(2);
        host.pass(31, TimeUnit.SECONDS);
    }

    @Test
    void allFragmentsButTheLastAreMultiplesOfEight() {
        byte[] whole = Packets.bytes(48);
        host.receiveIp(fragment(whole, 0, 15, true, 1));
        host.receiveIp(fragment(whole, 0, 0, true, 1));
        host.receiveIp(fragment(whole, 8, 8, false, 1));

        assertThat(host.count(IpCounter.IP_REASM_BAD_FRAGMENT)).isEqualTo(3);
        assertThat(host.timers.size()).isZero();
    }

    @Test
    void givesUpInTimeAndSaysSoIfTheFirstFragmentHasCome() {
        host.resolvePeer();
        byte[] whole = Packets.bytes(48);
        byte[] first = fragment(whole, 0, 16, 1);
        host.receiveIp(first);
        host.receiveIp(fragment(whole, 16, 32, 2));
        host.pass(29, TimeUnit.SECONDS);
        host.expectNothingSent();

        host.pass(1001, TimeUnit.MILLISECONDS);

        byte[] error = host.nextPacketTo(PEER_LINK);
        assertThat(Arrays.copyOfRange(error, 20, error.length)).isEqualTo(Packets.icmp(11, 1, 0, first));
        host.expectNothingSent();
        assertThat(host.count(IpCounter.IP_REASM_TIMEOUT)).isEqualTo(2);
        host.pass(6, TimeUnit.SECONDS);
    }

    @Test
    void aCongestionMarkOnOneFragmentMarksTheWhole() {
        byte[] whole = Packets.bytes(48);
        byte[] marked = fragment(whole, 16, 48, 1);
        marked[1] = 3;
        Ipv4Header.fillChecksum(Unpooled.wrappedBuffer(marked), 0);
        byte[] unmarked = fragment(whole, 0, 16, 1);
        unmarked[1] = 2;
        Ipv4Header.fillChecksum(Unpooled.wrappedBuffer(unmarked), 0);
        List<Integer> trafficClasses = new ArrayList<>();
        host.stack.register(PROTOCOL, new TransportReceiver() {
            @Override
            public void receive(InboundPacket packet, long now) {
                trafficClasses.add(packet.trafficClass());
            }

            @Override
            public void receiveError(IcmpError error, long now) {}
        });

        host.receiveIp(unmarked);
        host.receiveIp(marked);
        host.receiveIp(fragment(whole, 0, 16, 1));
        host.receiveIp(marked);

        assertThat(trafficClasses)
                .as("a mark on what cannot carry one is a contradiction")
                .containsExactly(3);
        assertThat(host.count(IpCounter.IP_REASM_FAILS)).isEqualTo(1);
        host.pass(31, TimeUnit.SECONDS);
    }

    @Test
    void memoryIsBoundedAndTheOldestIsGivenUp() {
        host.resolvePeer();
        byte[] whole = Packets.bytes(20_000);
        for (int i = 0; i < 3000; i++) {
            host.receiveIp(fragment(whole, 0, 8000, i));
        }
        assertThat(host.allocator.metric().usedDirectMemory()).isLessThanOrEqualTo(Reassembler.MAX_BYTES + 20_000);
        assertThat(host.count(IpCounter.IP_REASM_NO_ROOM)).isGreaterThan(2000);

        host.receiveIp(fragment(whole, 8000, 20_000, 2999));

        assertThat(host.received).hasSize(1);
        host.pass(31, TimeUnit.SECONDS);
        assertThat(host.allocator.metric().usedDirectMemory()).isZero();
    }

    @Test
    void tinyFragmentsAreBoundedToo() {
        byte[] whole = Packets.bytes(60_000);
        fragments(whole, 8, 1).forEach(host::receiveIp);

        assertThat(host.received).isEmpty();
        assertThat(host.count(IpCounter.IP_REASM_BAD_FRAGMENT)).isEqualTo(7500 - Reassembler.MAX_FRAGMENTS);
        host.pass(31, TimeUnit.SECONDS);
    }

    @Test
    void aWholePacketIsHandedOverWhereAnotherShardOwnsIt() {
        byte[] whole = Packets.bytes(48);
        List<byte[]> handedOver = new ArrayList<>();
        host.stack.steering(
                packet -> handedOver.add(ByteBufUtil.getBytes(packet.buffer(), packet.offset(), packet.length())));

        fragments(whole, 16, 1).forEach(host::receiveIp);

        assertThat(host.received).isEmpty();
        ByteBuf packet = Unpooled.wrappedBuffer(handedOver.get(0));
        host.stack.receivePacket(new InboundFrame().set(packet, 0, packet.readableBytes()), host.now);
        assertThat(host.received)
                .singleElement()
                .satisfies(received -> assertThat(received.payload()).isEqualTo(whole));
    }
}
