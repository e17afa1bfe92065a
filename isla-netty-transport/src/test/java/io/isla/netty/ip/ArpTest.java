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
import static io.isla.netty.ip.IpFixture.ROUTER;
import static io.isla.netty.ip.IpFixture.ROUTER_LINK;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.Unpooled;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ArpTest {
    private final IpFixture host = IpFixture.configured();

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void announcesItsAddressesTwiceAtStart() {
        host.stack.start(host.now);

        host.expectArpRequest(BROADCAST_LINK, OWN, OWN);
        host.expectNothingSent();
        host.pass(2, TimeUnit.SECONDS);
        host.pass(1, TimeUnit.MILLISECONDS);
        host.expectArpRequest(BROADCAST_LINK, OWN, OWN);
        host.pass(1, TimeUnit.MINUTES);
        host.expectNothingSent();
    }

    @Test
    void announcesAnAddressAddedLater() {
        host.stack.start(host.now);
        host.queue.sent.clear();

        host.stack.addAddress(Packets.address("10.0.0.3"), 24, host.now);

        host.expectArpRequest(BROADCAST_LINK, OWN + 1, OWN + 1);
    }

    @Test
    void answersARequestForItsOwnAddress() {
        host.receive(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, PEER, 0, OWN));

        assertThat(host.nextSent()).isEqualTo(Packets.arp(PEER_LINK, ArpHeader.REPLY, OWN_LINK, OWN, PEER_LINK, PEER));
        host.expectNothingSent();
    }

    @Test
    void answersAProbeAndLearnsNothingFromIt() {
        host.receive(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, 0, 0, OWN));

        assertThat(host.nextSent()).isEqualTo(Packets.arp(PEER_LINK, ArpHeader.REPLY, OWN_LINK, OWN, PEER_LINK, 0));
        host.send(PEER, Packets.bytes(20));
        host.expectArpRequest(BROADCAST_LINK, OWN, PEER);
    }

    @Test
    void doesNotAnswerForOthers() {
        host.receive(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, PEER, 0, ROUTER));

        host.expectNothingSent();
    }

    @Test
    void answersForABlockOfItsOwnButNotForOneItStandsInFor() {
        host.stack.addBlock(new AddressBlock(Packets.address("10.9.0.0"), 16, AddressBlock.Kind.OWN));
        host.stack.addBlock(new AddressBlock(IpAddress.ANY_V4, 0, AddressBlock.Kind.INTERCEPTED));

        host.receive(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, PEER, 0, Packets.v4("10.9.200.1")));
        host.receive(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, PEER, 0, Packets.v4("10.0.0.9")));

        assertThat(host.nextSent())
                .isEqualTo(
                        Packets.arp(PEER_LINK, ArpHeader.REPLY, OWN_LINK, Packets.v4("10.9.200.1"), PEER_LINK, PEER));
        host.expectNothingSent();
    }

    @Test
    void aRequestForUsTellsWhoAsked() {
        host.receive(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, PEER, 0, OWN));
        host.queue.sent.clear();

        host.send(PEER, Packets.bytes(20));

        host.nextPacketTo(PEER_LINK);
    }

    @Test
    void aRequestForOthersOrAReplyNobodyAskedForMakesNoEntry() {
        host.receive(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, PEER, 0, ROUTER));
        host.receive(Packets.arp(OWN_LINK, ArpHeader.REPLY, PEER_LINK, PEER, OWN_LINK, OWN));

        host.send(PEER, Packets.bytes(20));

        host.expectArpRequest(BROADCAST_LINK, OWN, PEER);
    }

    @Test
    void aStrangerFromOffTheLinkMakesNoEntry() {
        host.receive(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, FAR, 0, OWN));
        host.nextSent();

        host.stack.routes().add(Route.onLink(Packets.address("192.0.2.0"), 24));
        host.send(FAR, Packets.bytes(20));

        host.expectArpRequest(BROADCAST_LINK, OWN, FAR);
    }

    @Test
    void packetsWaitForTheAnswerAndLeaveInOrderAsTheyWere() {
        byte[] first = Packets.bytes(100);
        byte[] second = Packets.bytes(200);
        host.send(PEER, first);
        assertThat(host.stack.resolve(host.path, 0, IpAddress.ANY_V4.low(), 0, IpAddress.v4Low(PEER)))
                .isTrue();
        host.frame.reset();
        int at = host.frame.append(20);
        host.frame.header().setZero(at, 20);
        host.frame.addPayload(Unpooled.wrappedBuffer(Packets.bytes(3000)), 0, 3000);
        host.frame.requestChecksum(at, 16);
        host.frame.requestSegmentation(SegmentationType.TCP_V4, 1400);
        host.stack.send(host.frame, host.path, PROTOCOL, 0, 64, IpOutput.DONT_FRAGMENT, host.now);
        host.send(PEER, second);
        host.expectArpRequest(BROADCAST_LINK, OWN, PEER);
        host.expectNothingSent();

        host.receive(Packets.arp(OWN_LINK, ArpHeader.REPLY, PEER_LINK, PEER, OWN_LINK, OWN));

        assertThat(host.nextPacketTo(PEER_LINK)).endsWith(first);
        RecordingQueue.Sent segmented = host.queue.sent.remove();
        assertThat(segmented.bytes()).hasSize(14 + 20 + 20 + 3000);
        assertThat(segmented.checksumStart()).isEqualTo(14 + 20);
        assertThat(segmented.checksumOffset()).isEqualTo(16);
        assertThat(segmented.segmentation()).isEqualTo(SegmentationType.TCP_V4);
        assertThat(segmented.segmentSize()).isEqualTo(1400);
        assertThat(host.nextPacketTo(PEER_LINK)).endsWith(second);
        host.expectNothingSent();
    }

    @Test
    void asksThreeTimesAndThenTellsTheTransport() {
        byte[] payload = Packets.bytes(50);
        host.send(PEER, payload);
        host.expectArpRequest(BROADCAST_LINK, OWN, PEER);
        host.pass(1001, TimeUnit.MILLISECONDS);
        host.expectArpRequest(BROADCAST_LINK, OWN, PEER);
        host.pass(1001, TimeUnit.MILLISECONDS);
        host.expectArpRequest(BROADCAST_LINK, OWN, PEER);
        assertThat(host.failed).isEmpty();

        host.pass(1001, TimeUnit.MILLISECONDS);

        host.expectNothingSent();
        assertThat(host.failed).singleElement().satisfies(error -> {
            assertThat(error.kind()).isEqualTo(IcmpErrorKind.HOST_UNREACHABLE);
            assertThat(error.protocol()).isEqualTo(PROTOCOL);
            assertThat(error.local()).isEqualTo(IpAddress.v4(OWN));
            assertThat(error.remote()).isEqualTo(IpAddress.v4(PEER));
            assertThat(error.transport()).isEqualTo(payload);
        });
        assertThat(host.count(IpCounter.NEIGHBOR_RESOLUTION_FAILED)).isEqualTo(1);
        assertThat(host.count(IpCounter.NEIGHBOR_UNRESOLVED_DISCARDS)).isEqualTo(1);
    }

    @Test
    void asksAgainAfterAFailure() {
        host.send(PEER, Packets.bytes(50));
        host.pass(4, TimeUnit.SECONDS);
        host.queue.sent.clear();

        host.send(PEER, Packets.bytes(60));

        host.expectArpRequest(BROADCAST_LINK, OWN, PEER);
        host.receive(Packets.arp(OWN_LINK, ArpHeader.REPLY, PEER_LINK, PEER, OWN_LINK, OWN));
        assertThat(host.nextPacketTo(PEER_LINK)).hasSize(80);
        host.expectNothingSent();
    }

    @Test
    void whatWaitsIsBoundedAndTheOldestGoes() {
        for (int i = 0; i < 200; i++) {
            host.send(PEER, Packets.bytes(1400 + i % 2));
        }
        int fit = WaitingPackets.MAX_BYTES_PER_NEIGHBOR / 1421;
        host.queue.sent.clear();

        host.receive(Packets.arp(OWN_LINK, ArpHeader.REPLY, PEER_LINK, PEER, OWN_LINK, OWN));

        assertThat(host.queue.sent).hasSizeBetween(fit - 1, fit + 1);
        assertThat(host.count(IpCounter.NEIGHBOR_UNRESOLVED_DISCARDS)).isEqualTo(200 - host.queue.sent.size());
        assertThat(host.queue.sent.getLast().bytes()).hasSize(14 + 20 + 1401);
    }

    @Test
    void aStaleNeighbourIsUsedThenProbedThenGivenUp() {
        host.resolvePeer();
        host.send(PEER, Packets.bytes(20));
        host.nextPacketTo(PEER_LINK);
        host.pass(4900, TimeUnit.MILLISECONDS);
        host.expectNothingSent();

        host.pass(101, TimeUnit.MILLISECONDS);
        host.expectArpRequest(PEER_LINK, OWN, PEER);
        host.send(PEER, Packets.bytes(20));
        host.nextPacketTo(PEER_LINK);
        host.pass(1001, TimeUnit.MILLISECONDS);
        host.expectArpRequest(PEER_LINK, OWN, PEER);
        host.pass(1001, TimeUnit.MILLISECONDS);
        host.expectArpRequest(PEER_LINK, OWN, PEER);
        host.pass(1001, TimeUnit.MILLISECONDS);
        host.expectNothingSent();
        assertThat(host.count(IpCounter.NEIGHBOR_RESOLUTION_FAILED)).isEqualTo(1);

        host.send(PEER, Packets.bytes(20));
        host.expectArpRequest(BROADCAST_LINK, OWN, PEER);
    }

    @Test
    void aReplyToAProbeConfirms() {
        host.resolvePeer();
        host.send(PEER, Packets.bytes(20));
        host.pass(5001, TimeUnit.MILLISECONDS);
        host.queue.sent.clear();

        host.receive(Packets.arp(OWN_LINK, ArpHeader.REPLY, PEER_LINK, PEER, OWN_LINK, OWN));

        host.pass(10, TimeUnit.SECONDS);
        host.send(PEER, Packets.bytes(20));
        host.nextPacketTo(PEER_LINK);
        // Reachable for 15 to 45 s, then used for 5 s more before it is probed.
        host.pass(4, TimeUnit.SECONDS);
        host.expectNothingSent();
        host.pass(46, TimeUnit.SECONDS);
        host.send(PEER, Packets.bytes(20));
        host.nextPacketTo(PEER_LINK);
        host.pass(5001, TimeUnit.MILLISECONDS);
        host.expectArpRequest(PEER_LINK, OWN, PEER);
    }

    @Test
    void aTransportsConfirmationSparesTheProbe() {
        host.resolvePeer();
        for (int i = 0; i < 100; i++) {
            host.send(PEER, Packets.bytes(20));
            host.nextPacketTo(PEER_LINK);
            host.pass(3, TimeUnit.SECONDS);
            host.stack.confirm(host.path, host.now);
        }
        host.expectNothingSent();
    }

    @Test
    void aTransportsSuspicionProbesAtOnce() {
        host.resolvePeer();
        host.send(PEER, Packets.bytes(20));
        host.nextSent();
        host.stack.confirm(host.path, host.now);

        host.stack.suspect(host.path, host.now);

        host.expectArpRequest(PEER_LINK, OWN, PEER);
    }

    @Test
    void aNewLinkAddressIsTakenOverButNotWithinASecond() {
        host.resolvePeer();
        host.receive(Packets.arp(OWN_LINK, ArpHeader.REPLY, ROUTER_LINK, PEER, OWN_LINK, OWN));
        host.send(PEER, Packets.bytes(20));
        host.nextPacketTo(PEER_LINK);

        host.pass(1001, TimeUnit.MILLISECONDS);
        host.receive(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, ROUTER_LINK, PEER, 0, PEER));
        host.send(PEER, Packets.bytes(20));

        host.nextPacketTo(ROUTER_LINK);
    }

    @Test
    void defendsItsAddressOnceInTenSeconds() {
        byte[] claim = Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, OWN, 0, OWN);
        host.receive(claim);
        host.expectArpRequest(BROADCAST_LINK, OWN, OWN);
        host.receive(claim);
        host.expectNothingSent();
        host.pass(10, TimeUnit.SECONDS);
        host.receive(claim);
        host.expectArpRequest(BROADCAST_LINK, OWN, OWN);
        assertThat(host.count(IpCounter.ADDRESS_CONFLICTS)).isEqualTo(3);
    }

    @Test
    void tellsOfAConflict() {
        StringBuilder told = new StringBuilder();
        host.stack.listener((address, other) -> told.append(address).append(' ').append(other));

        host.receive(Packets.arp(BROADCAST_LINK, ArpHeader.REPLY, PEER_LINK, OWN, 0, OWN));

        assertThat(told).hasToString("10.0.0.2/24 02:00:5e:10:00:02");
    }

    @Test
    void whatLiesIsCountedAndIgnored() {
        byte[] good = Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, PEER, 0, OWN);
        byte[] shortened = Arrays.copyOf(good, 41);
        byte[] otherHardware = good.clone();
        otherHardware[15] = 6;
        byte[] otherLengths = good.clone();
        otherLengths[18] = 8;
        byte[] otherOperation = good.clone();
        otherOperation[21] = 9;
        host.receive(shortened);
        host.receive(otherHardware);
        host.receive(otherLengths);
        host.receive(otherOperation);
        host.receive(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, Packets.v4("224.0.0.1"), 0, OWN));
        host.receive(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, -1, 0, OWN));
        host.receive(Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, PEER, 0, Packets.v4("127.0.0.1")));

        host.expectNothingSent();
        assertThat(host.count(IpCounter.ARP_IN_ERRORS)).isEqualTo(7);
    }

    @Test
    void theCacheIsBoundedAndTheGatewayStays() {
        host.stack.addAddress(Packets.address("10.8.0.1"), 16, host.now);
        host.resolve(ROUTER, ROUTER_LINK);
        host.send(FAR, Packets.bytes(20));
        host.nextPacketTo(ROUTER_LINK);
        for (int i = 1; i <= 5000; i++) {
            host.send(Packets.v4("10.8.1.0") + i, Packets.bytes(20));
        }
        assertThat(host.count(IpCounter.NEIGHBOR_EVICTIONS)).isEqualTo(5001 - NeighborCache.CAPACITY);
        host.queue.sent.clear();

        host.send(FAR, Packets.bytes(20));

        host.nextPacketTo(ROUTER_LINK);
    }

    @Test
    void aPathWhoseNeighbourWasPutOutFindsItAgain() {
        host.stack.addAddress(Packets.address("10.8.0.1"), 16, host.now);
        Path path = new Path();
        host.stack.resolve(path, 0, IpAddress.ANY_V4.low(), 0, IpAddress.v4Low(PEER));
        for (int i = 1; i <= 5000; i++) {
            host.send(Packets.v4("10.8.1.0") + i, Packets.bytes(20));
        }
        assertThat(path.nextHop.evicted).isTrue();
        host.queue.sent.clear();

        assertThat(host.sendOn(path, Packets.bytes(20), 0)).isEqualTo(IpOutput.Result.SENT);

        host.expectArpRequest(BROADCAST_LINK, OWN, PEER);
        host.receive(Packets.arp(OWN_LINK, ArpHeader.REPLY, PEER_LINK, PEER, OWN_LINK, OWN));
        host.nextPacketTo(PEER_LINK);
    }

    @Test
    void aCopyFromAnotherShardIsLearntFromAndNotAnswered() {
        byte[] request = Packets.arp(BROADCAST_LINK, ArpHeader.REQUEST, PEER_LINK, PEER, 0, OWN);
        InboundFrame frame = new InboundFrame().set(Unpooled.wrappedBuffer(request), 0, request.length);
        assertThat(IpStack.concernsEveryShard(frame, Link.Medium.ETHERNET)).isTrue();

        host.stack.receiveCopy(frame, host.now);

        host.expectNothingSent();
        host.send(PEER, Packets.bytes(20));
        host.nextPacketTo(PEER_LINK);
    }
}
