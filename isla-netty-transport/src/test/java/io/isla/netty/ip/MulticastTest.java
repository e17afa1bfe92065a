/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static io.isla.netty.ip.IpFixture.ALL_NODES;
import static io.isla.netty.ip.IpFixture.BROADCAST_LINK;
import static io.isla.netty.ip.IpFixture.OWN;
import static io.isla.netty.ip.IpFixture.OWN_LINK;
import static io.isla.netty.ip.IpFixture.OWN_LOCAL6;
import static io.isla.netty.ip.IpFixture.PEER;
import static io.isla.netty.ip.IpFixture.PEER6;
import static io.isla.netty.ip.IpFixture.ROUTER;
import static io.isla.netty.ip.IpFixture.ROUTER6;
import static io.isla.netty.ip.IpFixture.ROUTER_LINK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.link.MacAddress;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.IgmpHeader;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.MulticastListenerHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MulticastTest {
    private static final IpAddress GROUP = Packets.address("239.1.2.3");
    private static final IpAddress OTHER_GROUP = Packets.address("239.9.9.9");
    private static final IpAddress GROUP6 = Packets.address("ff05::1:3");
    private static final IpAddress ONE = Packets.address("192.0.2.1");
    private static final IpAddress TWO = Packets.address("192.0.2.2");
    private static final IpAddress THREE = Packets.address("192.0.2.3");
    private static final byte[] ROUTER_ALERT = {(byte) 0x94, 4, 0, 0};

    private final IpFixture host = new IpFixture();

    @AfterEach
    void close() {
        host.close();
    }

    private void begin(boolean v6) {
        if (v6) {
            host.stack.addAddress(OWN_LOCAL6, 64, host.now);
        } else {
            host.stack.addAddress(IpAddress.v4(OWN), 24, host.now);
        }
        host.stack.start(host.now);
        host.pass(5, TimeUnit.SECONDS);
        host.queue.sent.clear();
    }

    private static byte[] igmp(byte[] message) {
        ByteBuf buf = Unpooled.wrappedBuffer(message);
        IgmpHeader.checksum(buf, 0, 0);
        IgmpHeader.checksum(buf, 0, InternetChecksum.complement(InternetChecksum.sum(buf, 0, message.length)));
        return message;
    }

    private static byte[] ip(int source, int destination, byte[] message) {
        byte[] packet = Packets.ipv4(source, destination, IpProtocol.IGMP, 1, 0x4000, 0, ROUTER_ALERT, igmp(message));
        packet[1] = (byte) 0xc0;
        Ipv4Header.fillChecksum(Unpooled.wrappedBuffer(packet), 0);
        return packet;
    }

    private void query(IpAddress group, int destination, int... words) {
        byte[] message = words.length == 1
                ? Packets.ints(words[0], group.v4Bits())
                : Packets.concat(
                        Packets.ints(words[0], group.v4Bits()),
                        Packets.ints(Arrays.copyOfRange(words, 1, words.length)));
        host.receive(Packets.ethernet(
                0x0100_5e00_0000L | destination & 0x7f_ffff,
                ROUTER_LINK,
                EtherType.IPV4,
                ip(ROUTER, destination, message)));
    }

    private void generalQuery(int tenths) {
        query(IpAddress.ANY_V4, 0xe000_0001, 0x1100_0000 | tenths << 16, 0x0200_0000 | 125 << 16);
    }

    /** A record as text: type, group and sources. */
    private static String record(int type, IpAddress group, IpAddress... sources) {
        return type + " " + group + " " + Arrays.asList(sources);
    }

    /** The records in the next report, which must be well-formed. */
    private List<String> nextReport() {
        byte[] bytes = host.nextPacketTo(0x0100_5e00_0016L);
        assertThat(bytes[8]).as("TTL").isEqualTo((byte) 1);
        assertThat(Arrays.copyOfRange(bytes, 20, 24)).isEqualTo(ROUTER_ALERT);
        byte[] message = Arrays.copyOfRange(bytes, 24, bytes.length);
        assertThat(bytes).isEqualTo(ip(OWN, Packets.v4("224.0.0.22"), message.clone()));
        ByteBuf buf = Unpooled.wrappedBuffer(message);
        assertThat(buf.getByte(0)).isEqualTo((byte) IgmpHeader.REPORT_V3);
        List<String> records = new ArrayList<>();
        int at = 8;
        for (int i = buf.getUnsignedShort(6); i > 0; i--) {
            int sources = buf.getUnsignedShort(at + 2);
            IpAddress[] list = new IpAddress[sources];
            for (int j = 0; j < sources; j++) {
                list[j] = IpAddress.v4(buf.getInt(at + 8 + 4 * j));
            }
            records.add(record(buf.getByte(at), IpAddress.v4(buf.getInt(at + 4)), list));
            at += 8 + 4 * sources;
        }
        assertThat(at).isEqualTo(message.length);
        return records;
    }

    /** Expects a report now, and the same once more within a second. */
    private void expectTwice(String... records) {
        assertThat(nextReport()).containsExactly(records);
        host.expectNothingSent();
        host.pass(1001, TimeUnit.MILLISECONDS);
        assertThat(nextReport()).containsExactly(records);
        host.expectNothingSent();
    }

    @Test
    void reportsThatItJoinsAndLeavesTwice() {
        begin(false);
        MulticastMembership membership = host.stack.join(GROUP, host.now);
        expectTwice(record(4, GROUP));

        host.stack.leave(membership, host.now);
        expectTwice(record(3, GROUP));
        host.pass(1, TimeUnit.HOURS);
        host.expectNothingSent();
    }

    @Test
    void reportsWhatWasJoinedBeforeTheStart() {
        host.stack.addAddress(IpAddress.v4(OWN), 24, host.now);
        host.stack.join(GROUP, host.now);
        host.expectNothingSent();

        host.stack.start(host.now);

        assertThat(nextReport()).containsExactly(record(4, GROUP));
    }

    @Test
    void aSecondSocketInAGroupIsNoNews() {
        begin(false);
        MulticastMembership first = host.stack.join(GROUP, host.now);
        host.pass(2, TimeUnit.SECONDS);
        host.queue.sent.clear();

        host.stack.join(GROUP, host.now);
        host.stack.leave(first, host.now);

        host.expectNothingSent();
    }

    @Test
    void aShardThatDoesNotLeadSaysNothing() {
        IpStack follower = new IpStack(
                new IpStack.Interface(Link.Medium.ETHERNET, 1500, 1500, 1500, new MacAddress(OWN_LINK), false),
                host.queue,
                host.queue,
                host.timers,
                host.allocator,
                host.random::nextLong,
                host.counters);
        follower.addAddress(IpAddress.v4(OWN), 24, host.now);
        follower.start(host.now);
        MulticastMembership membership = follower.join(GROUP, host.now);
        host.expectNothingSent();

        follower.takeLead(AutoconfiguredAddresses.NONE, host.now);

        assertThat(nextReport()).containsExactly(record(4, GROUP));
        host.expectArpRequest(BROADCAST_LINK, OWN, OWN);
        follower.leave(membership, host.now);
        assertThat(nextReport()).containsExactly(record(3, GROUP));
        follower.close();
    }

    @Test
    void reportsChangesOfSources() {
        begin(false);
        MulticastMembership membership = host.stack.join(GROUP, host.now);
        expectTwice(record(4, GROUP));

        host.stack.setSources(membership, false, List.of(ONE, TWO), host.now);
        expectTwice(record(6, GROUP, ONE, TWO));
        host.stack.setSources(membership, false, List.of(TWO, THREE), host.now);
        expectTwice(record(5, GROUP, ONE), record(6, GROUP, THREE));
        host.stack.setSources(membership, true, List.of(ONE), host.now);
        expectTwice(record(3, GROUP, ONE));
        host.stack.setSources(membership, true, List.of(TWO), host.now);
        expectTwice(record(5, GROUP, TWO), record(6, GROUP, ONE));
        host.stack.setSources(membership, true, List.of(), host.now);
        expectTwice(record(6, GROUP, TWO));
    }

    @Test
    void changesInQuickSuccessionAreReportedAsOne() {
        begin(false);
        MulticastMembership membership = host.stack.join(GROUP, host.now);
        host.stack.setSources(membership, true, List.of(ONE), host.now);
        host.stack.setSources(membership, true, List.of(ONE, TWO), host.now);
        host.queue.sent.clear();

        host.pass(3, TimeUnit.SECONDS);

        assertThat(nextReport()).containsExactly(record(3, GROUP, ONE, TWO));
        host.expectNothingSent();
    }

    @Test
    void aSourceThatComesAndGoesIsReportedAsGone() {
        begin(false);
        MulticastMembership membership = host.stack.join(GROUP, true, List.of(ONE), host.now);
        expectTwice(record(5, GROUP, ONE));

        host.stack.setSources(membership, true, List.of(ONE, TWO), host.now);
        assertThat(nextReport()).containsExactly(record(5, GROUP, TWO));
        host.stack.setSources(membership, true, List.of(ONE), host.now);

        expectTwice(record(6, GROUP, TWO));
        host.stack.leave(membership, host.now);
        expectTwice(record(6, GROUP, ONE));
    }

    @Test
    void mergesWhatSocketsWant() {
        begin(false);
        MulticastMembership one = host.stack.join(GROUP, host.now);
        host.stack.setSources(one, false, List.of(ONE, TWO), host.now);
        MulticastMembership other = host.stack.join(GROUP, host.now);
        host.stack.setSources(other, false, List.of(TWO, THREE), host.now);
        MulticastMembership third = host.stack.join(GROUP, host.now);
        host.stack.setSources(third, true, List.of(TWO), host.now);

        assertThat(one.group.filter).isEqualTo(MulticastFilter.EVERYTHING);
        host.stack.setSources(third, true, List.of(ONE), host.now);
        assertThat(one.group.filter).isEqualTo(new MulticastFilter(false, Set.of(TWO)));
        host.stack.leave(one, host.now);
        host.stack.leave(other, host.now);
        assertThat(one.group.filter).isEqualTo(new MulticastFilter(true, Set.of(ONE)));
        assertThat(one.accepts(ONE.high(), ONE.low())).isFalse();
        assertThat(one.accepts(THREE.high(), THREE.low())).isTrue();
        assertThat(third.accepts(ONE.high(), ONE.low())).isTrue();
        assertThat(third.accepts(THREE.high(), THREE.low())).isFalse();
    }

    @Test
    void answersAGeneralQueryInTimeWithAllGroups() {
        begin(false);
        host.stack.join(GROUP, host.now);
        MulticastMembership other = host.stack.join(OTHER_GROUP, host.now);
        host.stack.setSources(other, true, List.of(ONE), host.now);
        host.pass(3, TimeUnit.SECONDS);
        host.queue.sent.clear();

        generalQuery(100);

        host.expectNothingSent();
        host.pass(10_001, TimeUnit.MILLISECONDS);
        assertThat(nextReport()).containsExactlyInAnyOrder(record(2, GROUP), record(1, OTHER_GROUP, ONE));
        host.expectNothingSent();
    }

    @Test
    void answersAQueryAboutAGroupOrSources() {
        begin(false);
        MulticastMembership membership = host.stack.join(GROUP, host.now);
        host.stack.setSources(membership, false, List.of(ONE), host.now);
        host.pass(3, TimeUnit.SECONDS);
        host.queue.sent.clear();

        query(GROUP, GROUP.v4Bits(), 0x110a_0000, 0x0200_0000);
        host.pass(1001, TimeUnit.MILLISECONDS);
        assertThat(nextReport()).containsExactly(record(2, GROUP, ONE));
        query(GROUP, GROUP.v4Bits(), 0x110a_0000, 0x0200_0002, ONE.v4Bits(), TWO.v4Bits());
        host.pass(1001, TimeUnit.MILLISECONDS);
        assertThat(nextReport()).containsExactly(record(1, GROUP, TWO));
        query(GROUP, GROUP.v4Bits(), 0x110a_0000, 0x0200_0001, ONE.v4Bits());
        host.pass(1001, TimeUnit.MILLISECONDS);
        host.expectNothingSent();
        query(OTHER_GROUP, GROUP.v4Bits(), 0x110a_0000, 0x0200_0000);
        host.pass(1001, TimeUnit.MILLISECONDS);
        host.expectNothingSent();
    }

    @Test
    void followsTheQueriersRobustness() {
        begin(false);
        query(IpAddress.ANY_V4, 0xe000_0001, 0x1101_0000, 0x0400_0000);
        host.pass(200, TimeUnit.MILLISECONDS);
        host.stack.join(GROUP, host.now);
        host.pass(5, TimeUnit.SECONDS);

        assertThat(host.queue.sent).hasSize(4);
    }

    @Test
    void speaksVersion2WithAnOldQuerier() {
        begin(false);
        MulticastMembership membership = host.stack.join(GROUP, host.now);
        host.pass(3, TimeUnit.SECONDS);
        host.queue.sent.clear();

        query(IpAddress.ANY_V4, 0xe000_0001, 0x1164_0000);
        host.pass(10_001, TimeUnit.MILLISECONDS);
        byte[] report = ip(OWN, GROUP.v4Bits(), Packets.ints(0x1600_0000, GROUP.v4Bits()));
        assertThat(host.nextPacketTo(0x0100_5e01_0203L)).isEqualTo(report);
        host.stack.leave(membership, host.now);
        assertThat(host.nextPacketTo(0x0100_5e00_0002L))
                .isEqualTo(ip(OWN, 0xe000_0002, Packets.ints(0x1700_0000, GROUP.v4Bits())));
        membership = host.stack.join(GROUP, host.now);
        assertThat(host.nextPacketTo(0x0100_5e01_0203L)).isEqualTo(report);
        host.pass(10_001, TimeUnit.MILLISECONDS);
        assertThat(host.nextPacketTo(0x0100_5e01_0203L)).as("once more").isEqualTo(report);

        // Version 3 again when the old querier has not been heard for two query intervals and more.
        host.pass(261, TimeUnit.SECONDS);
        host.stack.leave(membership, host.now);
        assertThat(nextReport()).containsExactly(record(3, GROUP));
    }

    @Test
    void anothersReportMakesOursNeedlessWithAnOldQuerier() {
        begin(false);
        MulticastMembership membership = host.stack.join(GROUP, host.now);
        query(IpAddress.ANY_V4, 0xe000_0001, 0x1164_0000);
        host.queue.sent.clear();

        host.receive(Packets.ethernet(
                0x0100_5e01_0203L,
                ROUTER_LINK,
                EtherType.IPV4,
                ip(PEER, GROUP.v4Bits(), Packets.ints(0x1600_0000, GROUP.v4Bits()))));
        host.pass(11, TimeUnit.SECONDS);
        host.stack.leave(membership, host.now);

        host.expectNothingSent();
    }

    @Test
    void speaksVersion1WithTheOldestQuerier() {
        begin(false);
        query(IpAddress.ANY_V4, 0xe000_0001, 0x1100_0000);
        MulticastMembership membership = host.stack.join(GROUP, host.now);

        assertThat(host.nextPacketTo(0x0100_5e01_0203L))
                .isEqualTo(ip(OWN, GROUP.v4Bits(), Packets.ints(0x1200_0000, GROUP.v4Bits())));
        host.stack.leave(membership, host.now);
        host.expectNothingSent();
    }

    @Test
    void dropsMessagesThatAreWrong() {
        begin(false);
        host.stack.join(GROUP, host.now);
        host.pass(2, TimeUnit.SECONDS);
        host.queue.sent.clear();
        query(GROUP, 0xe000_0001, 0x110a_0000, 0x0200_0003, 1);
        query(IpAddress.v4(PEER), 0xe000_0001, 0x110a_0000, 0x0200_0000);
        query(IpAddress.ANY_V4, GROUP.v4Bits(), 0x110a_0000, 0x0200_0000);
        query(GROUP, 0xe000_0001, 0x7700_0000);
        host.receive(Packets.ethernet(
                0x0100_5e00_0001L,
                ROUTER_LINK,
                EtherType.IPV4,
                Packets.ipv4(ROUTER, 0xe000_0001, IpProtocol.IGMP, Packets.ints(0x110a_0000, 0))));

        host.pass(1, TimeUnit.MINUTES);
        host.expectNothingSent();
        assertThat(host.count(IpCounter.IGMP_IN_ERRORS)).isEqualTo(5);
    }

    @Test
    void manyGroupsFillSeveralReports() {
        begin(false);
        for (int i = 0; i < 400; i++) {
            host.stack.join(IpAddress.v4(GROUP.v4Bits() + i), host.now);
        }
        host.pass(2, TimeUnit.SECONDS);
        host.queue.sent.clear();

        generalQuery(1);
        host.pass(101, TimeUnit.MILLISECONDS);

        assertThat(host.queue.sent).hasSize(3).allMatch(sent -> sent.bytes().length <= 1514);
        assertThat(nextReport().size() + nextReport().size() + nextReport().size())
                .isEqualTo(400);
        for (int i = 0; i < 400; i++) {
            host.receive(Packets.ethernet(
                    0x0100_5e00_0000L | GROUP.v4Bits() + i & 0x7f_ffff,
                    ROUTER_LINK,
                    EtherType.IPV4,
                    Packets.ipv4(PEER, GROUP.v4Bits() + i, IpFixture.PROTOCOL, new byte[8])));
        }
        assertThat(host.received).hasSize(400);
    }

    @Test
    void whatASocketSendsToAGroupComesBackIfWanted() {
        begin(false);
        host.stack.join(GROUP, host.now);
        host.queue.sent.clear();
        byte[] payload = Packets.bytes(5000);

        host.send(GROUP, payload, 0);
        assertThat(host.queue.loopedBack).isEmpty();
        host.queue.sent.clear();
        host.send(GROUP, payload, IpOutput.LOOP);

        assertThat(host.queue.sent).as("to the others in fragments").hasSize(4);
        host.receiveLoopback(host.queue.loopedBack.remove());
        assertThat(host.received).singleElement().satisfies(received -> {
            assertThat(received.payload()).isEqualTo(payload);
            assertThat(received.unicast()).isFalse();
        });
        host.received.clear();
        host.send(Packets.address("10.0.0.255"), Packets.bytes(20), IpOutput.LOOP | IpOutput.ALLOW_BROADCAST);
        host.receiveLoopback(host.queue.loopedBack.remove());
        assertThat(host.received).hasSize(1);
    }

    @Test
    void whatIsSentWithHopLimitZeroReachesThisHostOnly() {
        for (boolean v6 : new boolean[] {false, true}) {
            begin(v6);
            IpAddress group = v6 ? GROUP6 : GROUP;
            host.stack.join(group, host.now);
            host.queue.sent.clear();
            host.queue.loopedBack.clear();
            host.hopLimit = 0;
            assertThat(host.send(group, Packets.bytes(20), IpOutput.LOOP)).isEqualTo(IpOutput.Result.SENT);
            assertThat(host.queue.sent).isEmpty();
            assertThat(host.queue.loopedBack).hasSize(1);
            host.hopLimit = 1;
            host.send(group, Packets.bytes(20), IpOutput.LOOP);
            assertThat(host.queue.sent).hasSize(1);
        }
    }

    @Test
    void whatIsSentToAnInterfaceLocalGroupReachesThisHostOnly() {
        begin(true);
        IpAddress group = Packets.address("ff01::101");
        host.stack.join(group, host.now);
        host.queue.sent.clear();
        assertThat(host.send(group, Packets.bytes(20), IpOutput.LOOP)).isEqualTo(IpOutput.Result.SENT);
        assertThat(host.queue.sent).isEmpty();
        host.receiveLoopback(host.queue.loopedBack.remove());
        assertThat(host.received).hasSize(1);
    }

    @Test
    void refusesWhatIsNoGroupOrSource() {
        assertThatThrownBy(() -> host.stack.join(ONE, host.now)).isInstanceOf(IllegalArgumentException.class);
        MulticastMembership membership = host.stack.join(GROUP, host.now);
        assertThatThrownBy(() -> host.stack.setSources(membership, true, List.of(GROUP), host.now))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> host.stack.setSources(membership, true, List.of(PEER6), host.now))
                .isInstanceOf(IllegalArgumentException.class);
        List<IpAddress> many = new ArrayList<>();
        for (int i = 0; i <= MulticastMembership.MAX_SOURCES; i++) {
            many.add(IpAddress.v4(ONE.v4Bits() + i));
        }
        assertThatThrownBy(() -> host.stack.setSources(membership, true, many, host.now))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void codesOfQueriesAreSmallFloatingPointNumbers() {
        assertThat(IgmpHeader.decode(127)).isEqualTo(127);
        assertThat(IgmpHeader.decode(128)).isEqualTo(128);
        assertThat(IgmpHeader.decode(0xff)).isEqualTo(31_744);
        assertThat(MulticastListenerHeader.decode(0x7fff)).isEqualTo(0x7fff);
        assertThat(MulticastListenerHeader.decode(0x8000)).isEqualTo(0x8000);
        assertThat(MulticastListenerHeader.decode(0xffff)).isEqualTo(8_387_584);
    }

    // ------------------------------------------------------------------------------------------------ IPv6

    private static byte[] mld(IpAddress source, IpAddress destination, int type, int word, byte[]... rest) {
        return Packets.ipv6(
                source,
                destination,
                IpProtocol.HOP_BY_HOP,
                1,
                Packets.extension(IpProtocol.ICMPV6, 5, 2, 0, 0, 1, 0),
                Packets.icmpv6(source, destination, type, 0, word, rest));
    }

    private static byte[] record6(int type, IpAddress group, IpAddress... sources) {
        byte[] record = Packets.concat(Packets.ints(type << 24 | sources.length), Packets.bytes(group));
        for (IpAddress source : sources) {
            record = Packets.concat(record, Packets.bytes(source));
        }
        return record;
    }

    private void expectReport6(byte[]... records) {
        assertThat(host.nextPacketTo(0x3333_0000_0016L))
                .isEqualTo(mld(OWN_LOCAL6, Packets.address("ff02::16"), 143, records.length, records));
    }

    @Test
    void reportsIpv6GroupsTooAndThoseOfItsOwnAddresses() {
        host.stack.addAddress(OWN_LOCAL6, 64, host.now);
        host.stack.start(host.now);
        expectReport6(record6(4, Packets.solicitedNode(OWN_LOCAL6)));
        host.pass(2, TimeUnit.SECONDS);
        host.queue.sent.clear();

        MulticastMembership membership = host.stack.join(GROUP6, host.now);
        expectReport6(record6(4, GROUP6));
        host.stack.setSources(membership, true, List.of(PEER6), host.now);
        expectReport6(record6(3, GROUP6, PEER6));
        host.pass(2, TimeUnit.SECONDS);
        expectReport6(record6(3, GROUP6, PEER6));
    }

    @Test
    void answersAListenerQueryFromTheLinkOnly() {
        begin(true);
        host.stack.join(GROUP6, host.now);
        host.pass(2, TimeUnit.SECONDS);
        host.queue.sent.clear();
        byte[] query = mld(ROUTER6, ALL_NODES, 130, 1000 << 16, new byte[16], Packets.ints(0x027d_0000));
        byte[] fromFar = mld(PEER6, ALL_NODES, 130, 1000 << 16, new byte[16], Packets.ints(0x027d_0000));
        byte[] routed = query.clone();
        routed[7] = 2;
        InboundFrame frame = new InboundFrame().set(Unpooled.wrappedBuffer(query), 0, query.length);
        assertThat(IpStack.concernsEveryShard(frame, Link.Medium.IP)).isTrue();

        host.receiveIp6(fromFar, ROUTER_LINK);
        host.receiveIp6(routed, ROUTER_LINK);
        host.receiveIp6(mld(ROUTER6, ALL_NODES, 130, 1000 << 16, new byte[15]), ROUTER_LINK);
        host.pass(1001, TimeUnit.MILLISECONDS);
        host.expectNothingSent();
        assertThat(host.count(IpCounter.ICMP6_IN_ERRORS)).isEqualTo(3);
        host.receiveIp6(query, ROUTER_LINK);
        host.pass(1001, TimeUnit.MILLISECONDS);

        assertThat(host.nextPacketTo(0x3333_0000_0016L))
                .satisfiesAnyOf(
                        sent -> assertThat(sent)
                                .isEqualTo(mld(
                                        OWN_LOCAL6,
                                        Packets.address("ff02::16"),
                                        143,
                                        2,
                                        record6(2, GROUP6),
                                        record6(2, Packets.solicitedNode(OWN_LOCAL6)))),
                        sent -> assertThat(sent)
                                .isEqualTo(mld(
                                        OWN_LOCAL6,
                                        Packets.address("ff02::16"),
                                        143,
                                        2,
                                        record6(2, Packets.solicitedNode(OWN_LOCAL6)),
                                        record6(2, GROUP6))));
    }

    @Test
    void speaksVersion1OfListenerDiscoveryWithAnOldQuerier() {
        begin(true);
        MulticastMembership membership = host.stack.join(GROUP6, host.now);
        host.pass(2, TimeUnit.SECONDS);
        host.queue.sent.clear();

        host.receiveIp6(mld(ROUTER6, GROUP6, 130, 1000 << 16, Packets.bytes(GROUP6)), ROUTER_LINK);
        host.pass(1001, TimeUnit.MILLISECONDS);
        assertThat(host.nextPacketTo(0x3333_0001_0003L))
                .isEqualTo(mld(OWN_LOCAL6, GROUP6, 131, 0, Packets.bytes(GROUP6)));
        host.stack.leave(membership, host.now);
        IpAddress routers = Packets.address("ff02::2");
        assertThat(host.nextPacketTo(0x3333_0000_0002L))
                .isEqualTo(mld(OWN_LOCAL6, routers, 132, 0, Packets.bytes(GROUP6)));
    }
}
