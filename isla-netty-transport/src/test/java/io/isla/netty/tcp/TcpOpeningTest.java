/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static io.isla.netty.testing.Segment.ACK;
import static io.isla.netty.testing.Segment.RST;
import static io.isla.netty.testing.Segment.SYN;
import static io.isla.netty.testing.Segment.of;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.sim.VirtualTime;
import io.isla.netty.sim.VirtualWire;
import io.isla.netty.stack.HostListener;
import io.isla.netty.stack.Shard;
import io.isla.netty.testing.ScriptedPeer;
import io.isla.netty.testing.Segment;
import io.isla.netty.testing.SimHost;
import io.isla.netty.testing.SimSocket;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.net.BindException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Connections are opened as RFC 9293 §3.5 and §3.10.1, RFC 6528 and RFC 6056 say. */
class TcpOpeningTest {
    private static final Consumer<Segment> MSS_1000 = syn -> syn.mss(1000);

    private final ScriptedPeer peer = new ScriptedPeer();

    @AfterEach
    void close() {
        peer.close();
    }

    @Test
    void answersSynWithSynAckAndAcceptsTheConnectionOnlyWhenItIsAcknowledged() {
        peer.host.listen(80, 10, new TcpSettings());
        peer.send(of(SYN).seq(peer.iss).mss(1000));
        Segment synAck = peer.expect(SYN, ACK);
        assertThat(synAck.acknowledgment).isEqualTo(peer.iss + 1);
        assertThat(peer.host.accepted).isEmpty();
        peer.send(of(ACK).seq(peer.iss + 1).ack(synAck.sequence + 1));
        assertThat(peer.host.accepted).hasSize(1);
        assertThat(peer.host.accepted.get(0).connection.state()).isEqualTo(TcpState.ESTABLISHED);
        peer.expectNothing();
    }

    @Test
    void answersTheSynsOfATurnTogetherAtItsEnd() {
        peer.host.listen(80, 10, new TcpSettings());
        peer.sendWithoutWaiting(of(SYN).seq(peer.iss));
        peer.hostPort = 81;
        peer.sendWithoutWaiting(of(SYN).seq(peer.iss));
        peer.hostPort = 80;
        peer.port++;
        peer.sendWithoutWaiting(of(SYN).seq(peer.iss));
        peer.sendWithoutWaiting(of(SYN).seq(peer.iss));
        peer.settle();

        assertThat(peer.expect(RST, ACK).sourcePort)
                .as("what nobody listens to, at once")
                .isEqualTo(81);
        assertThat(peer.expect(SYN, ACK).destinationPort).isEqualTo(peer.port - 1);
        assertThat(peer.expect(SYN, ACK).destinationPort).isEqualTo(peer.port);
        peer.expectNothing();
        assertThat(peer.counter("TCPSynRetrans"))
                .as("a SYN that came twice in a turn has one answer")
                .isZero();
    }

    @Test
    void doesNotAnswerASynThatWasResetInTheSameTurn() {
        peer.host.listen(80, 10, new TcpSettings());
        peer.sendWithoutWaiting(of(SYN).seq(peer.iss));
        peer.sendWithoutWaiting(of(RST).seq(peer.iss + 1));
        peer.settle();

        peer.expectNothing();
        assertThat(peer.host.shard().tcp().flowCount()).isZero();
    }

    @Test
    void whatNewConnectionsWriteLeavesWithTheSynAcksOfTheirTurn() {
        peer.host.listen(80, 10, new TcpSettings());
        List<Long> sent = new ArrayList<>();
        peer.host.onAccepted = socket -> {
            sent.add(peer.counter("OutSegs"));
            socket.write(new byte[] {1, 2, 3});
        };
        peer.send(of(SYN).seq(peer.iss));
        Segment synAck = peer.expect(SYN, ACK);
        peer.sendWithoutWaiting(of(ACK).seq(peer.iss + 1).ack(synAck.sequence + 1));
        peer.port++;
        peer.sendWithoutWaiting(of(SYN).seq(peer.iss));
        peer.settle();

        assertThat(sent).as("when the user has his say, only the first SYN-ACK").containsExactly(1L);
        assertThat(peer.expect(ACK).data).containsExactly(1, 2, 3);
        assertThat(peer.expect(SYN, ACK).destinationPort).isEqualTo(peer.port);
    }

    @Test
    void newConnectionsInEachTurnDoNotPutOffWhatIsToBeSent() {
        peer.host.listen(80, 1000, new TcpSettings());
        List<Segment> synAcks = new ArrayList<>();
        for (int i = 0; i < 3 * Shard.BATCH; i++) {
            peer.port = 5000 + i;
            peer.send(of(SYN).seq(peer.iss));
            synAcks.add(peer.expect(SYN, ACK));
        }
        long before = peer.counter("OutSegs");
        List<Long> sent = new ArrayList<>();
        peer.host.onAccepted = socket -> sent.add(peer.counter("OutSegs") - before);
        peer.port = 6000;
        peer.sendWithoutWaiting(of(SYN).seq(peer.iss));
        // More than one turn takes from the link, or two.
        for (Segment synAck : synAcks) {
            peer.port = synAck.destinationPort;
            peer.sendWithoutWaiting(of(ACK).seq(peer.iss + 1).ack(synAck.sequence + 1));
        }
        peer.settle();

        assertThat(sent).hasSize(synAcks.size());
        assertThat(sent.get(0)).as("segments sent in the first turn").isZero();
        assertThat(sent.get(Shard.BATCH)).as("and by the end of the second").isEqualTo(1);
    }

    @Test
    void sendsAllOptionsInASynAndWaitsForTheSynAck() {
        SimSocket socket = peer.host.connect(SimHost.parse(ScriptedPeer.PEER), 4000, new TcpSettings());
        Segment syn = peer.expect(SYN);
        assertThat(syn.mssOption()).isEqualTo(1460);
        assertThat(syn.option(4)).as("SACK permitted").isEmpty();
        assertThat(syn.option(8)).as("timestamps").hasSize(8);
        assertThat(syn.timestampEcho()).isZero();
        assertThat(syn.option(3)).as("window scale").hasSize(1);
        assertThat(socket.connection.state()).isEqualTo(TcpState.SYN_SENT);
        assertThat(socket.connected).isFalse();
    }

    @Test
    void reachesEstablishedThroughSimultaneousOpen() {
        SimSocket socket = peer.host.connect(SimHost.parse(ScriptedPeer.PEER), 4000, new TcpSettings());
        Segment syn = peer.expect(SYN);
        peer.hostPort = syn.sourcePort;
        peer.send(of(SYN).seq(peer.iss).mss(1000));
        Segment synAck = peer.expect(SYN, ACK);
        assertThat(synAck.sequence).as("the same SYN again").isEqualTo(syn.sequence);
        assertThat(synAck.acknowledgment).isEqualTo(peer.iss + 1);
        assertThat(socket.connection.state()).isEqualTo(TcpState.SYN_RECEIVED);
        peer.send(of(SYN, ACK).seq(peer.iss).ack(syn.sequence + 1).mss(1000));
        assertThat(socket.connection.state()).isEqualTo(TcpState.ESTABLISHED);
        assertThat(socket.connected).isTrue();
    }

    @Test
    void doesNotScaleTheWindowOfASynAckInASimultaneousOpen() {
        SimSocket socket = peer.host.connect(SimHost.parse(ScriptedPeer.PEER), 4000, new TcpSettings());
        Segment syn = peer.expect(SYN);
        peer.hostPort = syn.sourcePort;
        peer.send(of(SYN).seq(peer.iss).mss(1000).windowScale(10).win(5000));
        peer.expect(SYN, ACK);
        peer.send(of(SYN, ACK)
                .seq(peer.iss)
                .ack(syn.sequence + 1)
                .mss(1000)
                .windowScale(10)
                .win(5000));
        assertThat(socket.connection.info(0).sendWindow()).isEqualTo(5000);
        peer.drain();
        // From then on it is.
        peer.send(of(ACK).seq(peer.iss + 1).ack(syn.sequence + 1).win(7));
        assertThat(socket.connection.info(0).sendWindow()).isEqualTo(7 << 10);
    }

    @Test
    void refusesASynReceivedConnectionOnResetByItsOrigin() {
        SimSocket active = peer.host.connect(SimHost.parse(ScriptedPeer.PEER), 4000, new TcpSettings());
        Segment syn = peer.expect(SYN);
        peer.hostPort = syn.sourcePort;
        peer.send(of(SYN).seq(peer.iss));
        peer.expect(SYN, ACK);
        peer.send(of(RST).seq(peer.iss + 1));
        assertThat(active.error).as("an active open is told").isInstanceOf(ConnectException.class);

        peer.hostPort = 80;
        peer.port = 4001;
        peer.host.listen(80, 10, new TcpSettings());
        peer.send(of(SYN).seq(peer.iss));
        peer.expect(SYN, ACK);
        peer.send(of(RST).seq(peer.iss + 1));
        assertThat(peer.host.shard().tcp().flowCount())
                .as("a passive open goes back to LISTEN")
                .isZero();
        peer.send(of(SYN).seq(peer.iss));
        peer.expect(SYN, ACK);
    }

    @Test
    void listenersDoNotInterfereAndSeveralConnectionsShareAPort() {
        peer.host.listen(80, 10, new TcpSettings());
        peer.host.listen(81, 10, new TcpSettings());
        peer.connectAgain(MSS_1000);
        peer.port = 4001;
        peer.iss += 5_000_000;
        peer.connectAgain(MSS_1000);
        peer.hostPort = 81;
        peer.connectAgain(MSS_1000);
        assertThat(peer.host.accepted).hasSize(3).allMatch(s -> s.connection.state() == TcpState.ESTABLISHED);
    }

    @Test
    void aPassiveOpenDoesNotDisturbWhatIsOnItsPort() {
        HostListener listener = peer.host.listen(80, 10, new TcpSettings());
        SimSocket socket = peer.connectAgain(MSS_1000);
        peer.host.listen(81, 10, new TcpSettings());
        peer.host.stack().listeners().close(listener);
        peer.host.listen(80, 10, new TcpSettings());
        peer.send(peer.nextData(100));
        assertThat(socket.receivedCount()).isEqualTo(100);
        assertThat(peer.drain()).noneMatch(s -> s.has(RST));
        peer.port++;
        peer.connectAgain(MSS_1000);
        assertThat(socket.connection.state()).isEqualTo(TcpState.ESTABLISHED);
    }

    @Test
    void listensOnAPortWithConnectionsThatAreBeingOpened() throws Exception {
        TcpConnection opening = peer.host
                .shard()
                .connect(new TcpSettings(), peer.host.address(), 80, SimHost.parse(ScriptedPeer.PEER), 4000, null);
        SimSocket socket = new SimSocket(peer.host, opening);
        opening.flush(peer.time.nanoTime());
        Segment syn = peer.expect(SYN);
        assertThat(opening.state()).isEqualTo(TcpState.SYN_SENT);
        HostListener listener = peer.host.listen(80, 10, new TcpSettings());
        peer.port = 4001;
        peer.connectAgain(MSS_1000);
        peer.host.stack().listeners().close(listener);

        peer.port = 4000;
        peer.send(of(SYN).seq(peer.iss).mss(1000));
        peer.expect(SYN, ACK);
        assertThat(opening.state()).isEqualTo(TcpState.SYN_RECEIVED);
        peer.host.listen(80, 10, new TcpSettings());
        peer.port = 4002;
        peer.connectAgain(MSS_1000);

        peer.port = 4000;
        peer.send(of(SYN, ACK).seq(peer.iss).ack(syn.sequence + 1).mss(1000));
        assertThat(socket.connected).isTrue();
        assertThat(peer.host.accepted).hasSize(2);
    }

    @Test
    void sendsFromTheAddressThatIsGivenOrElseFromTheOneThatTheNetworkLayerChooses() throws Exception {
        IpAddress other = SimHost.parse("10.0.0.77");
        peer.host.stack().addAddress(other, 24, () -> {});
        peer.settle();
        IpAddress to = SimHost.parse(ScriptedPeer.PEER);
        for (IpAddress given : List.of(other, peer.host.address())) {
            TcpConnection connection = peer.host.shard().connect(new TcpSettings(), given, 0, to, 4000, null);
            assertThat(connection.localAddress()).isEqualTo(given);
        }
        IpAddress third = SimHost.parse("192.168.5.1");
        peer.host.stack().addAddress(third, 24, () -> {});
        peer.settle();
        assertThat(peer.host
                        .shard()
                        .connect(new TcpSettings(), null, 0, SimHost.parse("192.168.5.9"), 80, null)
                        .localAddress())
                .as("of the network that the peer is on")
                .isEqualTo(third);
        assertThat(peer.host
                        .shard()
                        .connect(new TcpSettings(), null, 0, to, 4000, null)
                        .localAddress())
                .isEqualTo(peer.host.address());
    }

    @Test
    void asksTheNetworkLayerForASourceAddressUnlessOneIsGiven() throws Exception {
        SimSocket chosen = peer.host.connect(SimHost.parse(ScriptedPeer.PEER), 4000, new TcpSettings());
        assertThat(chosen.connection.localAddress()).isEqualTo(peer.host.address());
        TcpConnection given = peer.host
                .shard()
                .connect(new TcpSettings(), peer.host.address(), 12_345, SimHost.parse(ScriptedPeer.PEER), 4000, null);
        assertThat(given.localAddress()).isEqualTo(peer.host.address());
        assertThat(given.localPort()).isEqualTo(12_345);
        assertThatThrownBy(() -> peer.host
                        .shard()
                        .connect(
                                new TcpSettings(),
                                SimHost.parse("10.0.0.77"),
                                0,
                                SimHost.parse(ScriptedPeer.PEER),
                                4000,
                                null))
                .isInstanceOf(BindException.class);
        given.abort(peer.time.nanoTime());
    }

    @Test
    void doesNotConnectToAddressesThatAreNoHosts() {
        for (String address : List.of("255.255.255.255", "10.0.0.255", "224.0.0.1", "0.0.0.0")) {
            assertThatThrownBy(() ->
                            peer.host.shard().connect(new TcpSettings(), null, 0, SimHost.parse(address), 80, null))
                    .as(address)
                    .isInstanceOf(NoRouteToHostException.class)
                    .hasMessageContaining(address);
        }
    }

    @Test
    void doesNotConnectWithoutARoute() {
        assertThatThrownBy(() ->
                        peer.host.shard().connect(new TcpSettings(), null, 0, SimHost.parse("192.0.2.1"), 80, null))
                .isInstanceOf(NoRouteToHostException.class);
    }

    @Test
    void resetsASynToAClosedPortAndNeverAnswersAReset() {
        peer.send(of(SYN).seq(peer.iss));
        Segment reset = peer.expect(RST, ACK);
        assertThat(reset.sequence).isZero();
        assertThat(reset.acknowledgment).isEqualTo(peer.iss + 1);
        peer.send(of(ACK).seq(5).ack(777));
        assertThat(peer.expect(RST).sequence).isEqualTo(777);
        peer.send(of(RST).seq(5));
        peer.send(of(RST, ACK).seq(5).ack(6));
        peer.expectNothing();
    }

    @Test
    void reportsRefusal() {
        SimSocket socket = peer.host.connect(SimHost.parse(ScriptedPeer.PEER), 4000, new TcpSettings());
        Segment syn = peer.expect(SYN);
        peer.hostPort = syn.sourcePort;
        peer.send(of(RST, ACK).seq(0).ack(syn.sequence + 2));
        assertThat(socket.error)
                .as("a reset that acknowledges what was not sent is ignored")
                .isNull();
        peer.send(of(RST, ACK).seq(0).ack(syn.sequence + 1));
        assertThat(socket.error).isInstanceOf(ConnectException.class).hasMessageContaining("refused");
        assertThat(socket.closed).isTrue();
    }

    @Test
    void resetsAnUnacceptableSynAckAndGoesOnWaiting() {
        SimSocket socket = peer.host.connect(SimHost.parse(ScriptedPeer.PEER), 4000, new TcpSettings());
        Segment syn = peer.expect(SYN);
        peer.hostPort = syn.sourcePort;
        peer.send(of(SYN, ACK).seq(peer.iss).ack(syn.sequence + 55));
        assertThat(peer.expect(RST).sequence).isEqualTo(syn.sequence + 55);
        assertThat(socket.connection.state()).isEqualTo(TcpState.SYN_SENT);
    }

    @Test
    void sendsTheSynAgainWithDoubledTimeoutForMoreThanThreeMinutes() {
        SimSocket socket = peer.host.connect(SimHost.parse(ScriptedPeer.PEER), 4000, new TcpSettings());
        peer.expect(SYN);
        List<Double> gaps = new ArrayList<>();
        double last = peer.time.nanoTime() / 1e9;
        double start = last;
        while (!socket.closed) {
            peer.time.runUntil(() -> socket.closed, Duration.ofMillis(500).toNanos());
            for (Segment syn : peer.drain()) {
                gaps.add(syn.time / 1e9 - last);
                last = syn.time / 1e9;
            }
        }
        assertThat(gaps).hasSize(7);
        for (int i = 0; i < gaps.size(); i++) {
            assertThat(gaps.get(i)).isBetween((double) (1 << i), (1 << i) + 0.01);
        }
        assertThat(peer.time.nanoTime() / 1e9 - start).isGreaterThan(180);
        assertThat(socket.error).isInstanceOf(ConnectException.class).hasMessageContaining("timed out");
    }

    @Test
    void sendsTheSynAckAgainAndForgetsARequestThatIsNeverCompleted() {
        peer.host.listen(80, 10, new TcpSettings());
        peer.send(of(SYN).seq(peer.iss));
        peer.expect(SYN, ACK);
        peer.after(Duration.ofSeconds(70));
        assertThat(peer.drain()).hasSize(5).allMatch(s -> s.has(SYN | ACK));
        assertThat(peer.host.shard().tcp().flowCount()).isZero();
    }

    @Test
    void choosesInitialSequenceNumbersByClockAndKeyedHash() {
        peer.host.listen(80, 10, new TcpSettings());
        peer.send(of(SYN).seq(peer.iss));
        int first = peer.expect(SYN, ACK).sequence;
        peer.send(of(RST).seq(peer.iss + 1));
        peer.after(Duration.ofMillis(100));
        peer.send(of(SYN).seq(peer.iss));
        int later = peer.expect(SYN, ACK).sequence;
        assertThat(later - first).as("4 µs a tick").isBetween(24_000, 25_500);
        peer.send(of(RST).seq(peer.iss + 1));
        peer.port = 4001;
        peer.send(of(SYN).seq(peer.iss));
        int other = peer.expect(SYN, ACK).sequence;
        assertThat(Math.abs(other - later)).as("another flow starts elsewhere").isGreaterThan(100_000);
    }

    @Test
    void initialSequenceNumbersDependOnASecretOfTheHost() {
        TcpConnection here = connection(peer.host);
        VirtualTime time = new VirtualTime();
        VirtualWire wire = new VirtualWire(time, 1, 1500, false);
        SimHost twin = new SimHost(
                time, wire.a(), ScriptedPeer.HOST, new TcpParameters(), 12, new UnpooledByteBufAllocator(true, true));
        TcpConnection there = connection(twin);
        assertThat(here.iss)
                .as("the same 4-tuple at the same time on a host with another key")
                .isNotEqualTo(there.iss);
        twin.close();
    }

    private static TcpConnection connection(SimHost host) {
        try {
            return host.shard().connect(new TcpSettings(), null, 40_000, SimHost.parse(ScriptedPeer.PEER), 4000, null);
        } catch (java.io.IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void announcesAndAssumesWhatIpv6Says() {
        VirtualTime time = new VirtualTime();
        VirtualWire wire = new VirtualWire(time, 1, 1500, false);
        UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true, true);
        SimHost a = new SimHost(time, wire.a(), "fd00::1", new TcpParameters(), 1, allocator);
        SimHost b = new SimHost(time, wire.b(), "fd00::2", new TcpParameters(), 2, allocator);
        b.listen(80, 10, new TcpSettings());
        SimSocket socket = a.connect(b, 80, new TcpSettings());
        assertThat(time.runUntil(() -> socket.connected, 10_000_000_000L)).isTrue();
        assertThat(socket.connection.peerMss).as("1500 less 40 and 20").isEqualTo(1440);
        assertThat(a.shard()
                        .tcp()
                        .peerMss(
                                new TcpSegment(),
                                b.address().high(),
                                b.address().low()))
                .as("without the option")
                .isEqualTo(1220);
        socket.write(new byte[5000]).finish();
        assertThat(time.runUntil(() -> !b.accepted.isEmpty() && b.accepted.get(0).inputFinished, 10_000_000_000L))
                .isTrue();
        assertThat(b.accepted.get(0).receivedCount()).isEqualTo(5000);
        a.close();
        b.close();
    }

    @Test
    void choosesLocalPortsAtRandomFromTheEphemeralRange() {
        Set<Integer> ports = new HashSet<>();
        int previous = 0;
        int steps = 0;
        for (int i = 0; i < 50; i++) {
            SimSocket socket = peer.host.connect(SimHost.parse(ScriptedPeer.PEER), 4000 + i % 3, new TcpSettings());
            int port = socket.connection.localPort();
            assertThat(port).isBetween(32768, 60999);
            ports.add(port);
            if (port - previous == 1) {
                steps++;
            }
            previous = port;
        }
        assertThat(ports).hasSizeGreaterThan(40);
        assertThat(steps).isLessThan(10);
    }

    @Test
    void holdsNoMoreConnectionsThanTheBacklogSays() {
        peer.host.stack();
        List<TcpConnection> waiting = new ArrayList<>();
        HostListener listener;
        try {
            listener = peer.host
                    .stack()
                    .listeners()
                    .listen(IpAddress.ANY_V6, 80, 2, false, false, new TcpSettings(), waiting::add);
        } catch (java.io.IOException e) {
            throw new AssertionError(e);
        }
        for (int i = 0; i < 5; i++) {
            peer.port = 5000 + i;
            peer.send(of(SYN).seq(peer.iss));
            List<Segment> answer = peer.drain();
            if (!answer.isEmpty()) {
                peer.send(of(ACK).seq(peer.iss + 1).ack(answer.get(0).sequence + 1));
            }
        }
        assertThat(waiting).as("a backlog of 2 holds 3, as on Linux").hasSize(3);
        assertThat(peer.counter("ListenOverflows")).isEqualTo(2);
        listener.accepted();
        peer.port = 6000;
        peer.send(of(SYN).seq(peer.iss));
        peer.expect(SYN, ACK);
        waiting.forEach(c -> c.abort(peer.time.nanoTime()));
        peer.host.stack().listeners().close(listener);
    }
}
