/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static io.isla.netty.ip.IpFixture.ALL_NODES;
import static io.isla.netty.ip.IpFixture.OWN6;
import static io.isla.netty.ip.IpFixture.PEER6;
import static io.isla.netty.ip.IpFixture.PEER_LINK;
import static io.isla.netty.ip.IpFixture.PROTOCOL;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv6Header;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class Ipv6InputTest {
    private final IpFixture host = IpFixture.configured6();
    private final byte[] payload = Packets.bytes(33);

    @BeforeEach
    void knowThePeer() {
        host.resolve6(PEER6, PEER_LINK);
    }

    @AfterEach
    void close() {
        host.close();
    }

    private static byte[] packet(int nextHeader, byte[]... parts) {
        return Packets.ipv6(PEER6, OWN6, nextHeader, parts);
    }

    private void expectParameterProblem(int code, int pointer, byte[] about) {
        byte[] error = host.nextPacketTo(PEER_LINK);
        byte[] quoted = Arrays.copyOf(about, Math.min(about.length, 1232));
        assertThat(Arrays.copyOfRange(error, 40, error.length))
                .isEqualTo(Packets.icmpv6(OWN6, PEER6, 4, code, pointer, quoted));
    }

    private void expectDelivered() {
        assertThat(host.received)
                .singleElement()
                .satisfies(received -> assertThat(received.payload()).isEqualTo(payload));
        host.received.clear();
    }

    @Test
    void deliversAPacketToItsProtocolWithoutThePaddingOfTheLink() {
        host.receiveIp6(Packets.concat(packet(PROTOCOL, payload), new byte[9]));

        assertThat(host.received).singleElement().satisfies(received -> {
            assertThat(received.source()).isEqualTo(PEER6);
            assertThat(received.destination()).isEqualTo(OWN6);
            assertThat(received.payload()).isEqualTo(payload);
            assertThat(received.unicast()).isTrue();
            assertThat(received.hopLimit()).isEqualTo(64);
        });
    }

    @Test
    void walksOverExtensionHeadersInAnyOrder() {
        host.receiveIp6(packet(
                IpProtocol.HOP_BY_HOP,
                Packets.extension(IpProtocol.DESTINATION_OPTIONS, 5, 2, 0, 0, 1, 0),
                Packets.extension(IpProtocol.ROUTING, 1, 4, 0, 0, 0, 0),
                Packets.extension(IpProtocol.FRAGMENT, 253, 0, 0, 0, 0, 0),
                Packets.fragmentHeader(IpProtocol.DESTINATION_OPTIONS, 0, false, 77),
                Packets.extension(PROTOCOL, 0, 0, 0, 1, 1, 0),
                payload));

        expectDelivered();
    }

    @Test
    void dropsMalformedHeadersUnderTheirNames() {
        byte[] good = packet(PROTOCOL, payload);
        byte[] longer = good.clone();
        longer[5]++;
        byte[] otherVersion = good.clone();
        otherVersion[0] = 0x45;
        host.receiveIp6(longer);
        host.receiveIp6(Arrays.copyOf(good, 39));
        host.receiveIp6(otherVersion);

        assertThat(host.received).isEmpty();
        assertThat(host.count(IpCounter.IP6_IN_TRUNCATED)).isEqualTo(2);
        assertThat(host.count(IpCounter.IP6_IN_BAD_HEADER)).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ff02::1", "::1", "2001:db8::2", "::ffff:10.0.0.1", "::"})
    void dropsSourcesThatNoHostCanHaveThere(String source) {
        IpAddress address = source.startsWith("::ffff") ? IpAddress.v4(0x0a00_0001) : Packets.address(source);
        host.receiveIp6(Packets.ipv6(address, OWN6, PROTOCOL, payload));

        assertThat(host.received).isEmpty();
        assertThat(host.count(IpCounter.IP6_IN_MARTIAN_SOURCE)).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"2001:db8::3", "::1", "::", "ff01::1", "ff00::1", "ff02::99", "ff02::1:ff00:99", "v4"})
    void dropsWhatIsNotForThisHost(String destination) {
        // An IPv4 address of ours, in an IPv6 packet, is not ours.
        host.stack.addAddress(IpAddress.v4(IpFixture.OWN), 24, host.now);
        IpAddress address = destination.equals("v4") ? IpAddress.v4(IpFixture.OWN) : Packets.address(destination);

        host.receiveIp6(Packets.ipv6(PEER6, address, PROTOCOL, payload));

        assertThat(host.received).isEmpty();
        assertThat(host.count(IpCounter.IP6_IN_NOT_FOR_US)).isEqualTo(1);
    }

    @Test
    void deliversWhatIsForAllNodesAndJoinedGroupsAndSolicitedNodes() {
        host.stack.join(Packets.address("ff05::1:3"), host.now);
        host.receiveIp6(Packets.ipv6(PEER6, ALL_NODES, PROTOCOL, payload));
        host.receiveIp6(Packets.ipv6(PEER6, Packets.address("ff05::1:3"), PROTOCOL, payload));
        host.receiveIp6(Packets.ipv6(PEER6, Packets.solicitedNode(OWN6), PROTOCOL, payload));

        assertThat(host.received)
                .hasSize(3)
                .allSatisfy(received -> assertThat(received.unicast()).isFalse());
    }

    @Test
    void aPacketForOneInAFrameToAllIsNotUnicast() {
        host.receive(Packets.ethernet(0x3333_0000_0001L, PEER_LINK, 0x86dd, packet(PROTOCOL, payload)));

        assertThat(host.received)
                .singleElement()
                .satisfies(received -> assertThat(received.unicast()).isFalse());
    }

    @Test
    void saysThatItDoesNotSpeakAProtocol() {
        byte[] packet = packet(IpProtocol.DESTINATION_OPTIONS, Packets.extension(200, 1, 4, 0, 0, 0, 0), payload);

        host.receiveIp6(packet);

        assertThat(host.count(IpCounter.IP6_IN_UNKNOWN_PROTOS)).isEqualTo(1);
        expectParameterProblem(1, 40, packet);
    }

    @Test
    void dropsWhatHasNoNextHeader() {
        host.receiveIp6(packet(IpProtocol.NO_NEXT_HEADER, payload));

        assertThat(host.count(IpCounter.IP6_IN_NO_NEXT_HEADER)).isEqualTo(1);
        host.expectNothingSent();
    }

    @Test
    void hopByHopOptionsComeFirstOrNotAtAll() {
        byte[] packet = packet(
                IpProtocol.DESTINATION_OPTIONS,
                Packets.extension(IpProtocol.HOP_BY_HOP, 1, 4, 0, 0, 0, 0),
                Packets.extension(PROTOCOL, 1, 4, 0, 0, 0, 0),
                payload);

        host.receiveIp6(packet);

        assertThat(host.count(IpCounter.IP6_IN_BAD_EXTENSION)).isEqualTo(1);
        expectParameterProblem(1, 40, packet);
    }

    @ParameterizedTest
    @CsvSource({"0x1e, true, false", "0x5e, false, false", "0x9e, false, true", "0xde, false, true"})
    void treatsAnUnknownOptionAsItsFirstBitsSay(String type, boolean delivered, boolean told) {
        byte[] packet = packet(
                IpProtocol.DESTINATION_OPTIONS,
                Packets.extension(PROTOCOL, 1, 0, Integer.decode(type), 2, 9, 9),
                payload);

        host.receiveIp6(packet);

        assertThat(host.received).hasSize(delivered ? 1 : 0);
        assertThat(host.count(IpCounter.IP6_IN_UNKNOWN_OPTION)).isEqualTo(delivered ? 0 : 1);
        if (told) {
            expectParameterProblem(2, 44, packet);
        }
        host.expectNothingSent();
    }

    @Test
    void ofAnUnknownOptionToAGroupOnlyOneKindIsAnswered() {
        for (int type : new int[] {0x9e, 0xde}) {
            host.receiveIp6(Packets.ipv6(
                    PEER6,
                    ALL_NODES,
                    IpProtocol.DESTINATION_OPTIONS,
                    Packets.extension(PROTOCOL, type, 4, 0, 0, 0, 0),
                    payload));
        }

        assertThat(host.queue.sent).hasSize(1);
        assertThat(host.nextPacketTo(PEER_LINK)[41]).isEqualTo((byte) 2);
    }

    @Test
    void refusesSourceRoutes() {
        byte[] packet = packet(IpProtocol.ROUTING, Packets.extension(PROTOCOL, 0, 1, 0, 0, 0, 0), payload);

        host.receiveIp6(packet);

        assertThat(host.count(IpCounter.IP6_IN_SOURCE_ROUTED)).isEqualTo(1);
        expectParameterProblem(0, 42, packet);
    }

    @Test
    void limitsExtensionHeadersOptionsAndPadding() {
        byte[][] nine = new byte[10][];
        Arrays.fill(nine, Packets.extension(IpProtocol.DESTINATION_OPTIONS, 1, 4, 0, 0, 0, 0));
        nine[9] = payload;
        host.receiveIp6(packet(IpProtocol.DESTINATION_OPTIONS, nine));
        int[] nineOptions = new int[22];
        for (int i = 0; i < 18; i += 2) {
            nineOptions[i] = 0x1e;
        }
        host.receiveIp6(packet(IpProtocol.DESTINATION_OPTIONS, Packets.extension(PROTOCOL, nineOptions), payload));
        host.receiveIp6(packet(
                IpProtocol.DESTINATION_OPTIONS,
                Packets.extension(PROTOCOL, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
                payload));
        // An option, and a header, longer than what holds it.
        host.receiveIp6(
                packet(IpProtocol.DESTINATION_OPTIONS, Packets.extension(PROTOCOL, 0x1e, 5, 0, 0, 0, 0), payload));
        byte[] longHeader = Packets.extension(PROTOCOL, 1, 4, 0, 0, 0, 0);
        longHeader[1] = 9;
        host.receiveIp6(packet(IpProtocol.DESTINATION_OPTIONS, longHeader, payload));
        host.receiveIp6(packet(IpProtocol.DESTINATION_OPTIONS, new byte[7]));

        assertThat(host.received).isEmpty();
        assertThat(host.count(IpCounter.IP6_IN_BAD_EXTENSION)).isEqualTo(6);
    }

    @ParameterizedTest
    @ValueSource(ints = {9, 1500, 20_000, 65_519})
    void putsFragmentsTogetherInWhateverOrderTheyCome(int size) {
        byte[] whole = Packets.bytes(size);
        int step = size < 100 ? 8 : 1448;
        List<byte[]> fragments = new ArrayList<>();
        byte[] options = Packets.extension(IpProtocol.FRAGMENT, 1, 4, 0, 0, 0, 0);
        for (int from = 0; from < size; from += step) {
            int to = Math.min(size, from + step);
            fragments.add(packet(
                    IpProtocol.DESTINATION_OPTIONS,
                    options,
                    Packets.fragmentHeader(PROTOCOL, from, to < size, 0x1234_5678),
                    Arrays.copyOfRange(whole, from, to)));
        }
        Collections.shuffle(fragments, host.random);

        fragments.forEach(host::receiveIp6);

        assertThat(host.received).singleElement().satisfies(received -> {
            assertThat(received.payload()).isEqualTo(whole);
            assertThat(received.checksum()).isEqualTo(InboundFrame.Checksum.UNKNOWN);
        });
        assertThat(host.count(IpCounter.IP6_REASM_OKS)).isEqualTo(1);
        assertThat(host.timers.size()).isZero();
    }

    @Test
    void headersBehindTheFragmentHeaderAreProcessedOnceTheWholeIsThere() {
        byte[] whole = Packets.concat(Packets.extension(PROTOCOL, 0x9e, 4, 0, 0, 0, 0), payload);
        byte[] first = packet(
                IpProtocol.FRAGMENT,
                Packets.fragmentHeader(IpProtocol.DESTINATION_OPTIONS, 0, true, 5),
                Arrays.copyOf(whole, 16));
        byte[] second = packet(
                IpProtocol.FRAGMENT,
                Packets.fragmentHeader(IpProtocol.DESTINATION_OPTIONS, 16, false, 5),
                Arrays.copyOfRange(whole, 16, whole.length));

        host.receiveIp6(first);
        host.expectNothingSent();
        host.receiveIp6(second);

        expectParameterProblem(2, 42, packet(IpProtocol.DESTINATION_OPTIONS, whole));
    }

    @Test
    void aPacketInOneFragmentHasNothingToDoWithOthers() {
        byte[] atomic = packet(IpProtocol.FRAGMENT, Packets.fragmentHeader(PROTOCOL, 0, false, 5), payload);
        host.receiveIp6(packet(IpProtocol.FRAGMENT, Packets.fragmentHeader(PROTOCOL, 0, true, 5), Packets.bytes(16)));

        host.receiveIp6(atomic);

        expectDelivered();
        host.pass(61, TimeUnit.SECONDS);
    }

    @Test
    void overlappingFragmentsSpoilThePacket() {
        host.receiveIp6(packet(IpProtocol.FRAGMENT, Packets.fragmentHeader(PROTOCOL, 0, true, 5), Packets.bytes(24)));
        host.receiveIp6(packet(IpProtocol.FRAGMENT, Packets.fragmentHeader(PROTOCOL, 16, true, 5), Packets.bytes(16)));
        host.receiveIp6(packet(IpProtocol.FRAGMENT, Packets.fragmentHeader(PROTOCOL, 24, false, 5), Packets.bytes(16)));

        assertThat(host.received).isEmpty();
        assertThat(host.count(IpCounter.IP6_REASM_FAILS)).isEqualTo(1);
        host.pass(61, TimeUnit.SECONDS);
    }

    @Test
    void saysWhatIsWrongWithAFragment() {
        byte[] odd = packet(IpProtocol.FRAGMENT, Packets.fragmentHeader(PROTOCOL, 0, true, 5), Packets.bytes(15));
        host.receiveIp6(odd);
        expectParameterProblem(0, 4, odd);
        byte[] beyond =
                packet(IpProtocol.FRAGMENT, Packets.fragmentHeader(PROTOCOL, 65_528, false, 5), Packets.bytes(8));
        host.receiveIp6(beyond);
        expectParameterProblem(0, 42, beyond);
        byte[] incomplete = packet(
                IpProtocol.FRAGMENT,
                Packets.fragmentHeader(IpProtocol.DESTINATION_OPTIONS, 0, true, 5),
                Packets.extension(IpProtocol.TCP, 1, 4, 0, 0, 0, 0),
                Packets.bytes(16));
        host.receiveIp6(incomplete);
        expectParameterProblem(3, 0, incomplete);
        // Hop-by-hop options come right after the IPv6 header or not at all (RFC 8200 §4.1).
        byte[] hopByHop = packet(
                IpProtocol.FRAGMENT,
                Packets.fragmentHeader(IpProtocol.HOP_BY_HOP, 0, true, 5),
                Packets.extension(PROTOCOL, 1, 4, 0, 0, 0, 0),
                Packets.bytes(16));
        host.receiveIp6(hopByHop);
        expectParameterProblem(1, 40, hopByHop);
        host.receiveIp6(packet(IpProtocol.FRAGMENT, Packets.fragmentHeader(PROTOCOL, 8, false, 5)));
        host.receiveIp6(packet(
                IpProtocol.FRAGMENT,
                Packets.fragmentHeader(IpProtocol.FRAGMENT, 0, false, 5),
                Packets.fragmentHeader(PROTOCOL, 0, true, 6),
                Packets.bytes(16)));

        host.expectNothingSent();
        assertThat(host.count(IpCounter.IP6_REASM_BAD_FRAGMENT)).isEqualTo(5);
        assertThat(host.count(IpCounter.IP6_IN_BAD_EXTENSION)).isEqualTo(1);
        assertThat(host.timers.size()).isZero();
    }

    @Test
    void givesUpInTimeAndSaysSoIfTheFirstFragmentHasCome() {
        byte[] first = packet(IpProtocol.FRAGMENT, Packets.fragmentHeader(PROTOCOL, 0, true, 5), Packets.bytes(16));
        host.receiveIp6(first);
        host.receiveIp6(packet(IpProtocol.FRAGMENT, Packets.fragmentHeader(PROTOCOL, 16, true, 6), Packets.bytes(16)));

        host.pass(60_001, TimeUnit.MILLISECONDS);

        byte[] error = host.nextPacketTo(PEER_LINK);
        assertThat(Arrays.copyOfRange(error, 40, error.length)).isEqualTo(Packets.icmpv6(OWN6, PEER6, 3, 1, 0, first));
        host.expectNothingSent();
        assertThat(host.count(IpCounter.IP6_REASM_TIMEOUT)).isEqualTo(2);
        host.pass(6, TimeUnit.SECONDS);
    }

    @Test
    void loopbackAddressesWorkInsideTheHost() {
        assertThat(host.send6(IpAddress.LOOPBACK_V6, payload)).isEqualTo(IpOutput.Result.SENT);
        host.receiveLoopback(host.queue.loopedBack.remove());
        expectDelivered();
        assertThat(host.send6(OWN6, payload)).isEqualTo(IpOutput.Result.SENT);
        host.receiveLoopback(host.queue.loopedBack.remove());
        expectDelivered();
        host.expectNothingSent();
    }

    @Test
    void theHeaderOfAnExactlyFullPacketIsAccepted() {
        byte[] packet = packet(PROTOCOL);
        assertThat(packet).hasSize(Ipv6Header.LENGTH);

        host.receiveIp6(packet);

        assertThat(host.received)
                .singleElement()
                .satisfies(received -> assertThat(received.payload()).isEmpty());
    }
}
