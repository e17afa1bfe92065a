/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static io.isla.netty.ip.IpFixture.ALL_NODES;
import static io.isla.netty.ip.IpFixture.FAR6;
import static io.isla.netty.ip.IpFixture.OWN6;
import static io.isla.netty.ip.IpFixture.OWN_LOCAL6;
import static io.isla.netty.ip.IpFixture.PEER6;
import static io.isla.netty.ip.IpFixture.PEER_LINK;
import static io.isla.netty.ip.IpFixture.PEER_LOCAL6;
import static io.isla.netty.ip.IpFixture.PROTOCOL;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.wire.IpProtocol;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class Icmpv6Test {
    private final IpFixture host = IpFixture.configured6();

    @BeforeEach
    void knowThePeer() {
        host.resolve6(PEER6, PEER_LINK);
        host.resolve6(PEER_LOCAL6, PEER_LINK);
    }

    @AfterEach
    void close() {
        host.close();
    }

    private static byte[] payloadOf(byte[] packet) {
        return Arrays.copyOfRange(packet, 40, packet.length);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 1000, 1452})
    void answersAnEchoRequestWithItsData(int size) {
        byte[] data = Packets.bytes(size);

        host.receiveIp6(
                Packets.ipv6(PEER6, OWN6, IpProtocol.ICMPV6, Packets.icmpv6(PEER6, OWN6, 128, 0, 0xbeef_0007, data)));

        byte[] reply = host.nextPacketTo(PEER_LINK);
        assertThat(payloadOf(reply)).isEqualTo(Packets.icmpv6(OWN6, PEER6, 129, 0, 0xbeef_0007, data));
        assertThat(Arrays.copyOfRange(reply, 8, 40))
                .isEqualTo(Packets.concat(Packets.bytes(OWN6), Packets.bytes(PEER6)));
    }

    @Test
    void answersALargeEchoRequestInFragmentsThatFit() {
        byte[] data = Packets.bytes(20_000);

        host.receiveIp6(Packets.ipv6(PEER6, OWN6, IpProtocol.ICMPV6, Packets.icmpv6(PEER6, OWN6, 128, 0, 1, data)));

        byte[] whole = {};
        while (!host.queue.sent.isEmpty()) {
            byte[] fragment = host.nextPacketTo(PEER_LINK);
            assertThat(fragment.length).isLessThanOrEqualTo(IpFixture.MTU);
            assertThat(fragment[6]).isEqualTo((byte) IpProtocol.FRAGMENT);
            byte[] expected = Packets.fragmentHeader(IpProtocol.ICMPV6, whole.length, !host.queue.sent.isEmpty(), 0);
            assertThat(Arrays.copyOfRange(fragment, 40, 44)).isEqualTo(Arrays.copyOf(expected, 4));
            whole = Packets.concat(whole, Arrays.copyOfRange(fragment, 48, fragment.length));
        }
        assertThat(whole).isEqualTo(Packets.icmpv6(OWN6, PEER6, 129, 0, 1, data));
    }

    @Test
    void answersAnEchoRequestToAGroupFromItself() {
        host.receiveIp6(Packets.ipv6(
                PEER_LOCAL6, ALL_NODES, IpProtocol.ICMPV6, Packets.icmpv6(PEER_LOCAL6, ALL_NODES, 128, 0, 1)));

        assertThat(payloadOf(host.nextPacketTo(PEER_LINK)))
                .isEqualTo(Packets.icmpv6(OWN_LOCAL6, PEER_LOCAL6, 129, 0, 1));
    }

    @Test
    void dropsMessagesThatAreWrong() {
        byte[] badChecksum = Packets.icmpv6(PEER6, OWN6, 128, 0, 1);
        badChecksum[3] ^= 1;
        host.receiveIp6(Packets.ipv6(PEER6, OWN6, IpProtocol.ICMPV6, badChecksum));
        host.receiveIp6(Packets.ipv6(PEER6, OWN6, IpProtocol.ICMPV6, new byte[7]));
        host.receiveIp6(Packets.ipv6(PEER6, OWN6, IpProtocol.ICMPV6, Packets.icmpv6(PEER6, OWN6, 200, 0, 1)));
        host.receiveIp6(Packets.ipv6(PEER6, OWN6, IpProtocol.ICMPV6, Packets.icmpv6(PEER6, OWN6, 129, 0, 1)));
        host.receiveIp6(Packets.ipv6(PEER6, OWN6, IpProtocol.ICMPV6, Packets.icmpv6(PEER6, OWN6, 133, 0, 1)));

        host.expectNothingSent();
        assertThat(host.count(IpCounter.ICMP6_IN_CSUM_ERRORS)).isEqualTo(1);
        assertThat(host.count(IpCounter.ICMP6_IN_ERRORS)).isEqualTo(2);
        assertThat(host.count(IpCounter.ICMP6_IN_UNRELATED)).isEqualTo(1);
        assertThat(host.count(IpCounter.ICMP6_IN_IGNORED)).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 0, NETWORK_UNREACHABLE",
        "1, 1, ADMINISTRATIVELY_PROHIBITED",
        "1, 3, HOST_UNREACHABLE",
        "1, 4, PORT_UNREACHABLE",
        "1, 5, ADMINISTRATIVELY_PROHIBITED",
        "2, 0, PACKET_TOO_BIG",
        "3, 0, TIME_EXCEEDED",
        "4, 0, PARAMETER_PROBLEM",
        "4, 1, PROTOCOL_UNREACHABLE"
    })
    void tellsTheTransportOfAnError(int type, int code, IcmpErrorKind kind) {
        byte[] transport = Packets.bytes(40);
        byte[] quoted = Packets.ipv6(
                OWN6,
                FAR6,
                IpProtocol.DESTINATION_OPTIONS,
                Packets.extension(IpProtocol.FRAGMENT, 1, 4, 0, 0, 0, 0),
                Packets.fragmentHeader(PROTOCOL, 0, true, 7),
                transport);

        host.receiveIp6(
                Packets.ipv6(PEER6, OWN6, IpProtocol.ICMPV6, Packets.icmpv6(PEER6, OWN6, type, code, 1300, quoted)));

        assertThat(host.failed).singleElement().satisfies(error -> {
            assertThat(error.kind()).isEqualTo(kind);
            assertThat(error.mtu()).isEqualTo(kind == IcmpErrorKind.PACKET_TOO_BIG ? 1300 : 0);
            assertThat(error.protocol()).isEqualTo(PROTOCOL);
            assertThat(error.local()).isEqualTo(OWN6);
            assertThat(error.remote()).isEqualTo(FAR6);
            assertThat(error.transport()).isEqualTo(transport);
        });
    }

    @Test
    void ignoresErrorsAboutWhatItCannotHaveSent() {
        byte[] others = Packets.ipv6(PEER6, FAR6, PROTOCOL, Packets.bytes(40));
        byte[] laterFragment = Packets.ipv6(
                OWN6, FAR6, IpProtocol.FRAGMENT, Packets.fragmentHeader(PROTOCOL, 8, false, 7), Packets.bytes(40));
        byte[] tooShort = Packets.ipv6(OWN6, FAR6, PROTOCOL, Packets.bytes(7));
        byte[] cutInHeader =
                Packets.ipv6(OWN6, FAR6, IpProtocol.DESTINATION_OPTIONS, new byte[] {6, 5, 0, 0, 0, 0, 0, 0});
        byte[] noHeader = {0x60};
        for (byte[] quoted : List.of(others, laterFragment, tooShort, cutInHeader, noHeader)) {
            host.receiveIp6(Packets.ipv6(PEER6, OWN6, IpProtocol.ICMPV6, Packets.icmpv6(PEER6, OWN6, 1, 4, 0, quoted)));
        }

        assertThat(host.failed).isEmpty();
        assertThat(host.count(IpCounter.ICMP6_IN_UNRELATED)).isEqualTo(5);
    }

    @Test
    void saysThatAPortIsClosedAndQuotesNoMoreThanFits() {
        host.stack.register(IpProtocol.UDP, new TransportReceiver() {
            @Override
            public void receive(InboundPacket packet, long now) {
                host.stack.sendPortUnreachable(packet, now);
            }

            @Override
            public void receiveError(IcmpError error, long now) {}
        });
        byte[] large = Packets.ipv6(PEER6, OWN6, IpProtocol.UDP, Packets.bytes(1400));

        host.receiveIp6(large);

        byte[] error = host.nextPacketTo(PEER_LINK);
        assertThat(error).hasSize(1280);
        assertThat(payloadOf(error)).isEqualTo(Packets.icmpv6(OWN6, PEER6, 1, 4, 0, Arrays.copyOf(large, 1232)));
        host.receiveIp6(Packets.ipv6(PEER6, ALL_NODES, IpProtocol.UDP, Packets.bytes(40)));
        host.expectNothingSent();
    }

    @Test
    void sendsNoErrorAboutAnErrorEvenBehindExtensionHeaders() {
        byte[] error = Packets.icmpv6(PEER6, OWN6, 1, 0, 0, Packets.bytes(60));

        host.receiveIp6(Packets.ipv6(
                PEER6,
                OWN6,
                IpProtocol.DESTINATION_OPTIONS,
                Packets.extension(IpProtocol.ICMPV6, 0x9e, 4, 0, 0, 0, 0),
                error));

        assertThat(host.count(IpCounter.IP6_IN_UNKNOWN_OPTION)).isEqualTo(1);
        host.expectNothingSent();
    }

    @Test
    void pingsOthers() {
        List<Integer> replies = new ArrayList<>();
        host.stack.echo().register(9, new IcmpEcho.Listener() {
            @Override
            public void receiveReply(InboundPacket packet, int sequenceNumber, long now) {
                replies.add(sequenceNumber);
            }

            @Override
            public void receiveError(IcmpError error, int sequenceNumber, long now) {
                replies.add(-sequenceNumber);
            }
        });
        host.stack.resolve(host.path, 0, 0, PEER6.high(), PEER6.low());
        byte[] data = Packets.bytes(57);

        host.stack.echo().send(host.path, 9, 1, Unpooled.wrappedBuffer(data), 64, 0, host.now);

        byte[] request = host.nextPacketTo(PEER_LINK);
        assertThat(payloadOf(request)).isEqualTo(Packets.icmpv6(OWN6, PEER6, 128, 0, 9 << 16 | 1, data));
        host.receiveIp6(
                Packets.ipv6(PEER6, OWN6, IpProtocol.ICMPV6, Packets.icmpv6(PEER6, OWN6, 129, 0, 9 << 16 | 1, data)));
        host.receiveIp6(Packets.ipv6(PEER6, OWN6, IpProtocol.ICMPV6, Packets.icmpv6(PEER6, OWN6, 3, 0, 0, request)));
        assertThat(replies).containsExactly(1, -1);
    }

    @Test
    void aReplyThatIsTooBigForItsWayIsSplitTheNextTime() {
        byte[] request = Packets.ipv6(
                PEER6, OWN6, IpProtocol.ICMPV6, Packets.icmpv6(PEER6, OWN6, 128, 0, 1, Packets.bytes(1400)));
        host.receiveIp6(request);
        byte[] reply = host.nextPacketTo(PEER_LINK);
        assertThat(reply).hasSize(1448);

        host.receiveIp6(Packets.ipv6(
                PEER6, OWN6, IpProtocol.ICMPV6, Packets.icmpv6(PEER6, OWN6, 2, 0, 1300, Arrays.copyOf(reply, 1232))));
        host.receiveIp6(request);

        assertThat(host.queue.sent).hasSize(2).allMatch(sent -> sent.bytes().length <= 1314);
        host.pass(12, TimeUnit.MINUTES);
    }

    @Test
    void aRequestThatIsTooBigForItsWayIsSplitTheNextTime() {
        List<IcmpErrorKind> errors = new ArrayList<>();
        host.stack.echo().register(9, new IcmpEcho.Listener() {
            @Override
            public void receiveReply(InboundPacket packet, int sequenceNumber, long now) {}

            @Override
            public void receiveError(IcmpError error, int sequenceNumber, long now) {
                errors.add(error.kind());
            }
        });
        host.stack.resolve(host.path, 0, 0, PEER6.high(), PEER6.low());
        host.stack.echo().send(host.path, 9, 1, Unpooled.wrappedBuffer(Packets.bytes(1400)), 64, 0, host.now);
        byte[] request = host.nextPacketTo(PEER_LINK);

        host.receiveIp6(Packets.ipv6(
                PEER6, OWN6, IpProtocol.ICMPV6, Packets.icmpv6(PEER6, OWN6, 2, 0, 1300, Arrays.copyOf(request, 1232))));
        host.stack.echo().send(host.path, 9, 2, Unpooled.wrappedBuffer(Packets.bytes(1400)), 64, 0, host.now);

        assertThat(errors).containsExactly(IcmpErrorKind.PACKET_TOO_BIG);
        assertThat(host.queue.sent).hasSize(2);
        host.pass(12, TimeUnit.MINUTES);
    }

    @Test
    void aPathMtuIsNeverBelowTheLeast() {
        host.stack.updatePathMtu(OWN6.high(), OWN6.low(), FAR6.high(), FAR6.low(), 600, host.now);

        host.stack.resolve(host.path, 0, 0, FAR6.high(), FAR6.low());

        assertThat(host.path.mtu()).isEqualTo(1280);
        host.pass(12, TimeUnit.MINUTES);
    }
}
