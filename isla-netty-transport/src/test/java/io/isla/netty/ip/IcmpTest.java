/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static io.isla.netty.ip.IpFixture.BROADCAST_LINK;
import static io.isla.netty.ip.IpFixture.FAR;
import static io.isla.netty.ip.IpFixture.OWN;
import static io.isla.netty.ip.IpFixture.OWN_LINK;
import static io.isla.netty.ip.IpFixture.PEER;
import static io.isla.netty.ip.IpFixture.PEER_LINK;
import static io.isla.netty.ip.IpFixture.PROTOCOL;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IcmpTest {
    private final IpFixture host = IpFixture.configured();

    @AfterEach
    void close() {
        host.close();
    }

    private static byte[] payloadOf(byte[] packet) {
        return Arrays.copyOfRange(packet, 20, packet.length);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 56, 1000, 1472})
    void answersAnEchoRequestWithItsData(int size) {
        host.resolvePeer();
        byte[] data = Packets.bytes(size);

        host.receiveIp(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, Packets.icmp(8, 0, 0xbeef_0007, data)));

        byte[] reply = host.nextPacketTo(PEER_LINK);
        assertThat(payloadOf(reply)).isEqualTo(Packets.icmp(0, 0, 0xbeef_0007, data));
        assertThat(Arrays.copyOfRange(reply, 12, 20)).isEqualTo(new byte[] {10, 0, 0, 2, 10, 0, 0, 7});
        assertThat(host.count(IpCounter.ICMP_IN_ECHOS)).isEqualTo(1);
        assertThat(host.count(IpCounter.ICMP_OUT_ECHO_REPS)).isEqualTo(1);
    }

    @Test
    void answersALargeEchoRequestInFragments() {
        host.resolvePeer();
        byte[] data = Packets.bytes(65_000);

        host.receiveIp(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, Packets.icmp(8, 0, 1, data)));

        byte[] whole = {};
        while (!host.queue.sent.isEmpty()) {
            whole = Packets.concat(whole, payloadOf(host.nextPacketTo(PEER_LINK)));
        }
        assertThat(whole).isEqualTo(Packets.icmp(0, 0, 1, data));
    }

    @Test
    void computesTheChecksumAnewWhereTheRequestHasNone() {
        host.resolvePeer();
        byte[] request = Packets.icmp(8, 0, 0x0001_0002, Packets.bytes(40));
        request[2] = 0;
        request[3] = 0;

        host.receive(
                Packets.ethernet(
                        OWN_LINK, PEER_LINK, EtherType.IPV4, Packets.ipv4(PEER, OWN, IpProtocol.ICMP, request)),
                InboundFrame.Checksum.PARTIAL);

        assertThat(payloadOf(host.nextPacketTo(PEER_LINK)))
                .isEqualTo(Packets.icmp(0, 0, 0x0001_0002, Packets.bytes(40)));
    }

    @Test
    void answersFromTheAddressThatWasAskedAndForAWholeBlock() {
        host.stack.addBlock(new AddressBlock(Packets.address("10.9.0.0"), 16, AddressBlock.Kind.OWN));
        host.resolvePeer();

        host.receiveIp(
                Packets.ipv4(PEER, Packets.v4("10.9.77.1"), IpProtocol.ICMP, Packets.icmp(8, 0, 1, new byte[3])));

        byte[] reply = host.nextPacketTo(PEER_LINK);
        assertThat(Arrays.copyOfRange(reply, 12, 16)).isEqualTo(new byte[] {10, 9, 77, 1});
    }

    @Test
    void doesNotAnswerAnEchoRequestToMany() {
        host.resolvePeer();

        host.receive(Packets.ethernet(
                BROADCAST_LINK,
                PEER_LINK,
                EtherType.IPV4,
                Packets.ipv4(PEER, -1, IpProtocol.ICMP, Packets.icmp(8, 0, 1, new byte[3]))));

        host.expectNothingSent();
        assertThat(host.count(IpCounter.ICMP_IN_IGNORED)).isEqualTo(1);
    }

    @Test
    void echoesToItself() {
        List<Integer> replies = new ArrayList<>();
        listen(9, replies, new ArrayList<>());
        host.stack.resolve(host.path, 0, IpAddress.ANY_V4.low(), 0, IpAddress.LOOPBACK_V4.low());

        host.stack.echo().send(host.path, 9, 5, Unpooled.wrappedBuffer(Packets.bytes(30_000)), 64, 0, host.now);
        host.receiveLoopback(host.queue.loopedBack.remove());
        host.receiveLoopback(host.queue.loopedBack.remove());

        assertThat(replies).containsExactly(5);
        host.expectNothingSent();
    }

    @Test
    void dropsMessagesThatAreWrong() {
        byte[] badChecksum = Packets.icmp(8, 0, 1, new byte[3]);
        badChecksum[2] ^= 1;
        host.receiveIp(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, badChecksum));
        host.receiveIp(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, new byte[7]));
        host.receiveIp(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, Packets.icmp(77, 0, 1, new byte[30])));
        host.receiveIp(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, Packets.icmp(3, 99, 1, new byte[30])));
        host.receiveIp(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, Packets.icmp(0, 0, 1, new byte[30])));
        host.receiveIp(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, Packets.icmp(13, 0, 1, new byte[12])));

        host.expectNothingSent();
        assertThat(host.count(IpCounter.ICMP_IN_CSUM_ERRORS)).isEqualTo(1);
        assertThat(host.count(IpCounter.ICMP_IN_ERRORS)).isEqualTo(3);
        assertThat(host.count(IpCounter.ICMP_IN_UNRELATED)).isEqualTo(1);
        assertThat(host.count(IpCounter.ICMP_IN_IGNORED)).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "3, 0, NETWORK_UNREACHABLE",
        "3, 1, HOST_UNREACHABLE",
        "3, 2, PROTOCOL_UNREACHABLE",
        "3, 3, PORT_UNREACHABLE",
        "3, 4, PACKET_TOO_BIG",
        "3, 5, SOURCE_ROUTE_FAILED",
        "3, 13, ADMINISTRATIVELY_PROHIBITED",
        "11, 0, TIME_EXCEEDED",
        "12, 0, PARAMETER_PROBLEM"
    })
    void tellsTheTransportOfAnError(int type, int code, IcmpErrorKind kind) {
        byte[] transport = Packets.bytes(40);
        byte[] quoted = Packets.ipv4(OWN, FAR, PROTOCOL, transport);

        host.receiveIp(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, Packets.icmp(type, code, 1300, quoted)));

        assertThat(host.failed).singleElement().satisfies(error -> {
            assertThat(error.kind()).isEqualTo(kind);
            assertThat(error.mtu()).isEqualTo(kind == IcmpErrorKind.PACKET_TOO_BIG ? 1300 : 0);
            assertThat(error.protocol()).isEqualTo(PROTOCOL);
            assertThat(error.local()).isEqualTo(IpAddress.v4(OWN));
            assertThat(error.remote()).isEqualTo(IpAddress.v4(FAR));
            assertThat(error.transport()).isEqualTo(transport);
        });
    }

    @Test
    void leavesExtensionsOutOfTheQuotedPacket() {
        byte[] quoted = Arrays.copyOf(Packets.ipv4(OWN, FAR, PROTOCOL, Packets.bytes(40)), 128);

        host.receiveIp(Packets.ipv4(
                PEER, OWN, IpProtocol.ICMP, Packets.icmp(11, 0, 32 << 16, Packets.concat(quoted, new byte[] {
                    0x20, 0, 0, 0
                }))));

        assertThat(host.failed)
                .singleElement()
                .satisfies(error -> assertThat(error.transport()).hasSize(108));
    }

    @Test
    void ignoresErrorsAboutWhatItCannotHaveSent() {
        byte[] others = Packets.ipv4(PEER, FAR, PROTOCOL, Packets.bytes(40));
        byte[] laterFragment = Packets.ipv4(OWN, FAR, PROTOCOL, 64, 10, 1, new byte[0], Packets.bytes(40));
        byte[] tooShort = Arrays.copyOf(Packets.ipv4(OWN, FAR, PROTOCOL, Packets.bytes(40)), 27);
        byte[] noHeader = {0x45, 0};
        byte[] longHeader = Packets.ipv4(OWN, FAR, PROTOCOL, Packets.bytes(8));
        longHeader[0] = 0x4f;
        for (byte[] quoted : List.of(others, laterFragment, tooShort, noHeader, longHeader)) {
            host.receiveIp(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, Packets.icmp(3, 3, 0, quoted)));
        }

        assertThat(host.failed).isEmpty();
        assertThat(host.count(IpCounter.ICMP_IN_UNRELATED)).isEqualTo(5);
    }

    @Test
    void saysThatAPortIsClosedAndQuotesNoMoreThanItMay() {
        host.resolvePeer();
        host.stack.register(IpProtocol.UDP, new TransportReceiver() {
            @Override
            public void receive(InboundPacket packet, long now) {
                host.stack.sendPortUnreachable(packet, now);
            }

            @Override
            public void receiveError(IcmpError error, long now) {}
        });
        byte[] small = Packets.ipv4(PEER, OWN, IpProtocol.UDP, Packets.udp(PEER, OWN, 1, 2, Packets.bytes(10)));
        byte[] large = Packets.ipv4(PEER, OWN, IpProtocol.UDP, Packets.udp(PEER, OWN, 1, 2, Packets.bytes(1000)));

        host.receiveIp(small);
        host.receiveIp(large);

        assertThat(payloadOf(host.nextPacketTo(PEER_LINK))).isEqualTo(Packets.icmp(3, 3, 0, small));
        byte[] error = host.nextPacketTo(PEER_LINK);
        assertThat(error).hasSize(576);
        assertThat(payloadOf(error)).isEqualTo(Packets.icmp(3, 3, 0, Arrays.copyOf(large, 548)));
        assertThat(host.count(IpCounter.ICMP_OUT_DEST_UNREACHS)).isEqualTo(2);
    }

    @Test
    void sendsNoErrorAboutErrorsOrToManyOrToNobody() {
        host.resolvePeer();
        host.stack.register(IpProtocol.ICMP, new TransportReceiver() {
            @Override
            public void receive(InboundPacket packet, long now) {
                host.stack.sendPortUnreachable(packet, now);
            }

            @Override
            public void receiveError(IcmpError error, long now) {}
        });
        host.receiveIp(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, Packets.icmp(3, 3, 0, new byte[28])));
        host.receive(
                Packets.ethernet(BROADCAST_LINK, PEER_LINK, EtherType.IPV4, Packets.ipv4(PEER, -1, 200, new byte[20])));
        host.receiveIp(Packets.ipv4(Packets.v4("240.1.1.1"), OWN, 200, new byte[20]));

        host.expectNothingSent();
    }

    @Test
    void limitsTheRateOfErrorsToOneHostAndInAll() {
        host.resolvePeer();
        byte[] packet = Packets.ipv4(PEER, OWN, 200, new byte[20]);
        for (int i = 0; i < 10; i++) {
            host.receiveIp(packet);
        }
        assertThat(host.queue.sent).hasSize(6);
        assertThat(host.count(IpCounter.ICMP_OUT_RATE_LIMIT_HOST)).isEqualTo(4);
        host.queue.sent.clear();
        host.pass(1, TimeUnit.SECONDS);
        host.receiveIp(packet);
        host.receiveIp(packet);
        assertThat(host.queue.sent).hasSize(1);
        host.queue.sent.clear();
        host.pass(1, TimeUnit.SECONDS);

        host.stack.routes().add(Route.onLink(IpAddress.ANY_V4, 0));
        for (int i = 0; i < 100; i++) {
            host.receiveIp(Packets.ipv4(FAR + i, OWN, 200, new byte[20]));
        }

        assertThat(host.count(IpCounter.ICMP_OUT_DEST_UNREACHS)).isEqualTo(7 + 50);
        assertThat(host.count(IpCounter.ICMP_OUT_RATE_LIMIT_GLOBAL)).isEqualTo(50);
    }

    @Test
    void pingsOthers() {
        host.resolvePeer();
        List<Integer> replies = new ArrayList<>();
        List<IcmpErrorKind> errors = new ArrayList<>();
        listen(0x1234, replies, errors);
        assertThat(host.stack.echo().register(0x1234, null)).isFalse();
        host.stack.resolve(host.path, 0, IpAddress.ANY_V4.low(), 0, IpAddress.v4Low(PEER));
        byte[] data = Packets.bytes(57);

        host.stack.echo().send(host.path, 0x1234, 1, Unpooled.wrappedBuffer(data), 64, 0, host.now);

        byte[] request = host.nextPacketTo(PEER_LINK);
        assertThat(payloadOf(request)).isEqualTo(Packets.icmp(8, 0, 0x1234_0001, data));
        host.receiveIp(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, Packets.icmp(0, 0, 0x1234_0001, data)));
        host.receiveIp(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, Packets.icmp(0, 0, 0x1235_0001, data)));
        host.receiveIp(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, Packets.icmp(11, 0, 0, request)));
        assertThat(replies).containsExactly(1);
        assertThat(errors).containsExactly(IcmpErrorKind.TIME_EXCEEDED);

        host.stack.echo().unregister(0x1234);
        host.receiveIp(Packets.ipv4(PEER, OWN, IpProtocol.ICMP, Packets.icmp(0, 0, 0x1234_0001, data)));
        assertThat(replies).hasSize(1);
        assertThat(host.count(IpCounter.ICMP_IN_UNRELATED)).isEqualTo(2);
    }

    private void listen(int identifier, List<Integer> replies, List<IcmpErrorKind> errors) {
        host.stack.echo().register(identifier, new IcmpEcho.Listener() {
            @Override
            public void receiveReply(InboundPacket packet, int sequenceNumber, long now) {
                assertThat(ByteBufUtil.getBytes(
                                packet.buffer(), packet.transportOffset() + 8, packet.transportLength() - 8))
                        .isEqualTo(Packets.bytes(packet.transportLength() - 8));
                replies.add(sequenceNumber);
            }

            @Override
            public void receiveError(IcmpError error, int sequenceNumber, long now) {
                errors.add(error.kind());
            }
        });
    }
}
