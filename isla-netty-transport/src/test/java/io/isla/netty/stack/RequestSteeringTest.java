/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static io.isla.netty.testing.Segment.ACK;
import static io.isla.netty.testing.Segment.FIN;
import static io.isla.netty.testing.Segment.RST;
import static io.isla.netty.testing.Segment.SYN;
import static io.isla.netty.testing.Segment.of;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.isla.netty.link.Link;
import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpSettings;
import io.isla.netty.testing.Segment;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.TcpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** On which shard a connection lives that the peer has asked for: where the link brings its segments, if that may be so. */
class RequestSteeringTest {
    private static final IpAddress HOST = Shards.address("10.0.0.1");
    private static final IpAddress PEER = Shards.address("10.0.0.2");
    private static final int PORT = 80;
    private static final int FIRST_PORT = 4000;
    private static final int FLOWS = 64;
    /** The first of some ports for connections of the host's own. */
    private static final int OUTGOING = 33_000;

    private static final int ISS = 1000;

    private final List<TcpConnection> accepted = new ArrayList<>();
    private Shards net;
    private HostListener listener;

    @AfterEach
    void close() throws Exception {
        net.close();
    }

    private void open(int receiveQueues) throws IOException {
        Shards.HostSetup setup = new Shards.HostSetup();
        setup.medium = Link.Medium.IP;
        setup.addresses = List.of(Shards.address("10.0.0.1", 24));
        setup.receiveQueues = receiveQueues;
        net = new Shards(setup);
    }

    private void listen(int backlog, Object group) throws Exception {
        net.settle();
        listener = net.host
                .listeners()
                .listen(
                        IpAddress.ANY_V6,
                        PORT,
                        backlog,
                        true,
                        false,
                        false,
                        ListenScope.NONE,
                        new TcpSettings(),
                        group,
                        c -> {
                            accepted.add(c);
                            listener.accepted();
                        });
        net.settle();
    }

    private void send(int remotePort, Segment segment) {
        segment.sourcePort = remotePort;
        segment.destinationPort = PORT;
        receive(segment);
    }

    private void receive(Segment segment) {
        net.receive(packet(segment));
    }

    private static byte[] packet(Segment segment) {
        ByteBuf frame = segment.encode(0, 0, HOST.v4Bits(), PEER.v4Bits());
        byte[] bytes = ByteBufUtil.getBytes(frame.skipBytes(EthernetHeader.LENGTH));
        frame.release();
        return bytes;
    }

    private Segment received() {
        assertThat(net.sent).hasSize(1);
        ByteBuf frame = Unpooled.buffer().writeZero(EthernetHeader.LENGTH).writeBytes(net.sent.remove(0));
        return Segment.decode(frame.setShort(EthernetHeader.LENGTH - 2, EtherType.IPV4), 0);
    }

    /** Asks for connections, and returns the sequence number of each answer. */
    private Map<Integer, Integer> ask(List<Integer> ports) {
        Map<Integer, Integer> answers = new TreeMap<>();
        for (int port : ports) {
            send(port, of(SYN).seq(ISS));
            Segment answer = received();
            assertThat(answer.has(SYN) && answer.has(ACK)).isTrue();
            answers.put(port, answer.sequence);
        }
        return answers;
    }

    private Map<Integer, Integer> ask(int count) {
        return ask(IntStream.range(FIRST_PORT, FIRST_PORT + count).boxed().toList());
    }

    private void acknowledge(Map<Integer, Integer> answers) {
        answers.forEach((port, sequence) -> send(port, of(ACK).seq(ISS + 1).ack(sequence + 1)));
    }

    /** Has a host of some shards, and connections to it; returns the sequence number of the answer to each request. */
    private Map<Integer, Integer> connect(int receiveQueues, int shards) throws Exception {
        return connect(receiveQueues, shards, true);
    }

    /** The same, whose handshakes are complete or not. */
    private Map<Integer, Integer> connect(int receiveQueues, int shards, boolean complete) throws Exception {
        open(receiveQueues);
        net.start(shards);
        listen(FLOWS, "group");
        Map<Integer, Integer> answers = ask(FLOWS);
        if (complete) {
            acknowledge(answers);
        }
        return answers;
    }

    private static long segments(Shard shard) {
        return shard.counters().get("InSegs");
    }

    private int listed() {
        return net.host.steering().listed();
    }

    @Test
    void aConnectionLivesOnTheShardThatItsRequestComesTo() throws Exception {
        open(4);
        net.start(4);
        listen(FLOWS, "group");

        Map<Integer, Integer> answers = ask(FLOWS);
        assertThat(net.shards).allSatisfy(shard -> {
            assertThat(shard.tcp().flowCount()).isPositive();
            assertThat(segments(shard))
                    .as("what came to it")
                    .isEqualTo(shard.tcp().flowCount());
        });
        acknowledge(answers);

        assertThat(net.shards)
                .allSatisfy(shard ->
                        assertThat(segments(shard)).isEqualTo(2L * shard.tcp().flowCount()));
        assertThat(accepted).hasSize(FLOWS);
        assertThat(net.sent).as("no reset").isEmpty();
        assertThat(listed()).isEqualTo(FLOWS);

        accepted.forEach(c -> c.abort(net.ticker.nanoTime()));
        assertThat(listed()).isZero();
    }

    @Test
    void aSegmentThatTheLinkBringsToAnotherShardLaterIsHandedOver() throws Exception {
        open(8);
        net.start(3);
        listen(FLOWS, "group");
        Map<Integer, Integer> answers = ask(FLOWS);

        // The link spreads flows over more queues from now on.
        net.start(2);
        net.settle();
        acknowledge(answers);

        assertThat(net.sent).as("no reset").isEmpty();
        assertThat(accepted).hasSize(FLOWS);
    }

    /** The host ends all connections, and so does the peer. */
    private void closeAll(Map<Integer, Integer> answers) {
        accepted.forEach(c -> c.close(net.ticker.nanoTime()));
        net.settle();
        net.sent.clear();
        finish(answers);
    }

    /** The peer's last segment, which may come again. */
    private void finish(Map<Integer, Integer> answers) {
        answers.forEach((port, sequence) -> {
            send(port, of(FIN, ACK).seq(ISS + 1).ack(sequence + 2));
            Segment last = received();
            assertThat(last.has(RST)).isFalse();
            assertThat(last.acknowledgment).isEqualTo(ISS + 2);
        });
    }

    private int waiting() {
        return net.shards.stream().mapToInt(s -> s.tcp().timeWaitCount()).sum();
    }

    @Test
    void whatTheLinkBringsElsewhereStaysListedInTimeWait() throws Exception {
        Map<Integer, Integer> answers = connect(8, 3);
        net.start(2);
        net.settle();

        closeAll(answers);
        finish(answers);
        assertThat(waiting()).isEqualTo(FLOWS);
        assertThat(listed()).isBetween(1, FLOWS - 1);
    }

    @Test
    void whatWasInheritedStaysListedInTimeWaitIfTheLinkBringsItElsewhere() throws Exception {
        open(8);
        net.start(4);
        listen(FLOWS, "group");
        Map<Integer, Integer> answers = ask(FLOWS);
        net.stop(net.shards.get(3));
        acknowledge(answers);

        closeAll(answers);
        finish(answers);
        assertThat(waiting()).isEqualTo(FLOWS);
    }

    @Test
    void anOldRequestDoesNotGetPastTimeWaitOnAShardThatItWasHandedOverTo() throws Exception {
        int room = 8;
        List<Integer> ports = portsToTheFirst(2 * room);
        open(4);
        net.start(4);
        listen(room, "group");
        Map<Integer, Integer> answers = ask(ports);
        acknowledge(answers);
        closeAll(answers);

        ports.forEach(port -> {
            net.ticker.advance(1, TimeUnit.SECONDS);
            send(port, of(SYN).seq(ISS - 100));
            assertThat(received().has(SYN)).isFalse();
        });
    }

    /** Connections of two shards, of which the one or the other has what is left of the connections before, as there were three shards. */
    private Map<Integer, Integer> connectBesideTimeWait() throws Exception {
        Map<Integer, Integer> answers = connect(8, 3);
        closeAll(answers);
        accepted.clear();
        net.stop(net.shards.get(2));
        answers.replaceAll((port, before) -> {
            send(port, of(SYN).seq(ISS + 1000));
            int sequence = received().sequence;
            send(port, of(ACK).seq(ISS + 1001).ack(sequence + 1));
            return sequence;
        });
        assertThat(accepted).hasSize(FLOWS);
        assertThat(waiting()).isPositive();
        return answers;
    }

    @Test
    void aConnectionIsReachedPastWhatIsInTimeWaitWhereTheLinkBringsItLater() throws Exception {
        Map<Integer, Integer> answers = connectBesideTimeWait();

        net.start();
        net.settle();
        answers.forEach((port, sequence) -> {
            send(port, of(ACK).seq(ISS + 1001).ack(sequence + 1).data(new byte[10]));
            net.pass(300, TimeUnit.MILLISECONDS);
            assertThat(received().acknowledgment).isEqualTo(ISS + 1011);
        });
    }

    @Test
    void aConnectionThatMovesPastOneInTimeWaitIsFound() throws Exception {
        Map<Integer, Integer> answers = connectBesideTimeWait();
        Shard second = net.shards.get(1);
        for (TcpConnection c : accepted) {
            Shard owner = Shard.owner(c);
            if (owner != second) {
                owner.move(c, second, () -> {});
            }
        }
        net.settle();
        // Had the old ones still been there, their end would have been taken for the new ones'.
        net.pass(2, TimeUnit.MINUTES);

        assertThat(listed()).isEqualTo(FLOWS);
        assertThat(second.tcp().flowCount()).isEqualTo(answers.size());
    }

    @Test
    void aConnectionThatMovesToAShardThatHasEndedIsNotListed() throws Exception {
        open(8);
        net.start(2);
        net.settle();
        Shard first = net.shards.get(0);
        Shard second = net.shards.get(1);
        List<TcpConnection> connections = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            connections.add(first.connect(new TcpSettings(), null, 0, PEER, PORT, null));
        }
        net.stop(second);

        connections.forEach(c -> first.move(c, second, () -> {}));
        net.settle();
        assertThat(connections).allMatch(TcpConnection::isReleased);
        assertThat(listed()).isZero();
    }

    /** Puts a segment into the link's queue, where it waits for the shard's next turn. */
    private void put(int remotePort, Segment segment) {
        segment.sourcePort = remotePort;
        segment.destinationPort = PORT;
        net.transmit(packet(segment));
    }

    @ParameterizedTest
    @CsvSource({"2, false", "2, true", "3, false", "3, true"})
    void whatIsOnItsWayToAnotherShardIsThereBeforeItsNextSegment(int shards, boolean complete) throws Exception {
        open(8);
        net.start(shards);
        listen(FLOWS, "group");
        Map<Integer, Integer> answers = ask(FLOWS);
        if (complete) {
            acknowledge(answers);
        }

        net.shards.remove(shards - 1).close();
        answers.forEach((port, sequence) ->
                put(port, of(ACK).seq(ISS + 1).ack(sequence + 1).data(new byte[10])));
        net.settle();

        assertThat(accepted).hasSize(FLOWS);
        assertThat(net.sent)
                .isNotEmpty()
                .noneMatch(bytes -> (TcpHeader.flags(Unpooled.wrappedBuffer(bytes), Ipv4Header.MIN_LENGTH) & RST) != 0);
        assertThat(net.shards.stream().mapToInt(s -> s.tcp().flowCount()).sum()).isEqualTo(FLOWS);
    }

    private List<Integer> portsOf(Shard shard) {
        return IntStream.range(FIRST_PORT, FIRST_PORT + FLOWS)
                .filter(port -> net.host
                                .steering()
                                .owner(IpProtocol.TCP, HOST.high(), HOST.low(), PORT, PEER.high(), PEER.low(), port)
                        == shard)
                .boxed()
                .toList();
    }

    /** A shard that is brought a segment of a connection which neither is there nor on its way there would answer with a reset. */
    @ParameterizedTest
    @CsvSource({"1, false", "1, true", "8, false", "8, true"})
    void whatAShardThatEndsHasYetToGiveAwayIsStillItsOwn(int receiveQueues, boolean complete) throws Exception {
        Map<Integer, Integer> answers = connect(receiveQueues, 3, complete);
        Shard ending = net.shards.remove(2);
        int flows = portsOf(ending).size();
        assertThat(flows).isGreaterThan(2).isEqualTo(ending.tcp().flowCount());

        List<Integer> left = new ArrayList<>();
        net.onWakeup = () -> left.add(portsOf(ending).size());
        ending.close();
        net.onWakeup = () -> {};

        assertThat(left)
                .startsWith(
                        IntStream.rangeClosed(1, flows).mapToObj(i -> flows - i).toArray(Integer[]::new));
        net.settle();
        assertThat(net.shards.stream().mapToInt(s -> s.tcp().flowCount()).sum()).isEqualTo(FLOWS);
        assertThat(net.sent).as("no reset").isEmpty();
        accepted.forEach(c -> c.abort(net.ticker.nanoTime()));
        if (complete) {
            assertThat(listed()).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({"1, false", "1, true", "8, false", "8, true"})
    void whatGoesToShardsThatEndBeforeTheyHaveItGoesOn(int receiveQueues, boolean complete) throws Exception {
        Map<Integer, Integer> answers = connect(receiveQueues, 4, complete);

        // None of those that stay has a turn meanwhile.
        for (int i = 3; i > 0; i--) {
            net.shards.remove(i).close();
        }
        net.settle();
        Shard last = net.shards.get(0);
        assertThat(last.tcp().flowCount()).isEqualTo(FLOWS);
        assertThat(portsOf(last)).hasSize(FLOWS);
        if (!complete) {
            acknowledge(answers);
        }
        assertThat(accepted).hasSize(FLOWS);
        assertThat(net.sent).as("no reset").isEmpty();

        net.stop(last);
        assertThat(accepted).allMatch(TcpConnection::isReleased);
        assertThat(listed()).isZero();
    }

    /** Whoever has a connection before it moves, twice, is told where it is. */
    @Test
    void aConnectionThatWasPassedOnIsFoundFromWhereItWas() throws Exception {
        connect(8, 3);
        Shard last = net.shards.get(0);
        List<Shard> ending = List.of(net.shards.remove(2), net.shards.remove(1));
        Map<TcpConnection, Shard> before = new HashMap<>();
        accepted.forEach(c -> before.put(c, Shard.owner(c)));
        assertThat(before).containsValues(ending.toArray(Shard[]::new));

        ending.forEach(Shard::close);
        List<Shard> found = new ArrayList<>();
        before.forEach((c, shard) -> assertThat(shard.with(c, found::add)).isTrue());
        net.settle();
        assertThat(found).hasSize(FLOWS).containsOnly(last);
    }

    /** What is on its way to a shard that ends has left one and is in no other: who is brought a segment for it is to know whose it is. */
    @ParameterizedTest
    @CsvSource({"1, false", "1, true", "8, false", "8, true"})
    void whatIsOnItsWayToAShardThatEndsIsStillKnown(int receiveQueues, boolean complete) throws Exception {
        Map<Integer, Integer> answers = connect(receiveQueues, 4, complete);
        net.shards.remove(3).close();
        Shard ending = net.shards.remove(2);
        List<Integer> ports = portsOf(ending);
        assertThat(ports).hasSizeGreaterThan(ending.tcp().flowCount());

        net.onWakeup = () -> {
            net.onWakeup = () -> {};
            assertThat(portsOf(ending)).as("all but the first").hasSize(ports.size() - 1);
            ports.forEach(port -> put(port, of(ACK).seq(ISS + 1).ack(answers.get(port) + 1)));
            net.settle();
        };
        ending.close();
        assertThat(net.sent).as("no reset").isEmpty();

        net.settle();
        acknowledge(answers);
        assertThat(net.sent).isEmpty();
        assertThat(accepted).hasSize(FLOWS).noneMatch(TcpConnection::isReleased);
        assertThat(net.shards.stream().mapToInt(s -> s.tcp().flowCount()).sum()).isEqualTo(FLOWS);
        accepted.forEach(c -> c.abort(net.ticker.nanoTime()));
        net.settle();
        if (complete) {
            assertThat(listed()).isZero();
            assertThat(net.shards.get(1).isExpendable())
                    .as("nothing is expected")
                    .isTrue();
        }
    }

    /** Whoever asks for a connection while it is passed on is told where it is when it is there: neither that it is gone, nor before. */
    @Test
    void aConnectionThatIsBeingPassedOnIsFound() throws Exception {
        connect(8, 4);
        Shard first = net.shards.remove(3);
        Shard second = net.shards.remove(2);
        List<TcpConnection> passed =
                accepted.stream().filter(c -> Shard.owner(c) == first).toList();
        first.close();

        List<TcpConnection> found = new ArrayList<>();
        boolean[] asked = {false};
        net.onWakeup = () -> {
            if (second.isClosed() && !asked[0]) {
                asked[0] = true;
                passed.forEach(c -> assertThat(first.with(c, there -> {
                            assertThat(Shard.owner(c)).isSameAs(there);
                            found.add(c);
                        }))
                        .isTrue());
            }
        };
        second.close();
        net.settle();
        assertThat(asked[0]).isTrue();
        assertThat(found).containsExactlyInAnyOrderElementsOf(passed);
    }

    /** What a shard has heard of is its own by the table in force, but not by the next: it stays listed, whatever comes and goes until then. */
    @ParameterizedTest
    @CsvSource({"false, false", "true, false", "true, true"})
    void whatMovesWhileAShardJoinsIsFoundWhenItHasJoined(boolean complete, boolean back) throws Exception {
        Map<Integer, Integer> answers = connect(1, 3, complete);
        Shard heir = net.shards.get(1);
        Shard other = net.shards.get(2);
        Shard newcomer = net.start();
        heir.runTurn();
        other.runTurn();
        assertThat(net.host.steering().table().has(newcomer))
                .as("the first has yet to agree")
                .isFalse();
        if (back) {
            List<TcpConnection> moving =
                    accepted.stream().filter(c -> Shard.owner(c) == heir).toList();
            moving.forEach(c -> heir.move(c, other, () -> {}));
            other.runTurn();
            moving.forEach(c -> other.move(c, heir, () -> {}));
        } else {
            net.shards.remove(other);
            other.close();
        }
        heir.runTurn();
        heir.runTurn();
        net.settle();

        assertThat(net.host.steering().table().has(newcomer)).isTrue();
        acknowledge(answers);
        assertThat(net.sent).as("no reset").isEmpty();
        assertThat(accepted).hasSize(FLOWS).noneMatch(TcpConnection::isReleased);
    }

    /** What has been planned is forgotten once it is in force: those who have ended since have nothing any more. */
    @Test
    void theLastShardHasAllPortsAndListsNothing() throws Exception {
        open(1);
        net.start(8);
        listen(FLOWS, "group");
        while (net.shards.size() > 1) {
            net.stop(net.shards.get(net.shards.size() - 1));
        }

        acknowledge(ask(FLOWS));
        assertThat(accepted).hasSize(FLOWS);
        assertThat(listed()).isZero();
        Shard last = net.shards.get(0);
        for (int port = OUTGOING; port < OUTGOING + FLOWS; port++) {
            last.connect(new TcpSettings(), null, port, PEER, PORT, null).abort(net.ticker.nanoTime());
        }
        net.settle();
        assertThat(listed()).isZero();
    }

    /** The listener closes, and its requests are forgotten everywhere but where they are yet to arrive. */
    @ParameterizedTest
    @ValueSource(ints = {1, 8})
    void requestsWhoseListenerClosesBeforeTheyArriveAreForgotten(int receiveQueues) throws Exception {
        connect(receiveQueues, 3, false);
        Shard ending = net.shards.remove(2);
        assertThat(ending.tcp().flowCount()).isPositive();
        net.host.listeners().close(listener);
        net.settle();
        ending.close();
        net.settle();

        assertThat(net.shards.stream().mapToInt(s -> s.tcp().flowCount()).sum()).isZero();
        assertThat(listed()).isZero();
        net.pass(5, TimeUnit.SECONDS);
        assertThat(net.sent).as("no SYN-ACK again").isEmpty();
    }

    /** Its channel will never hear of it. */
    @Test
    void aConnectionThatArrivesWhereTheLoopHasShutDownEnds() throws Exception {
        connect(8, 2);
        Shard first = net.shards.get(0);
        Shard second = net.shards.get(1);
        List<TcpConnection> moving =
                accepted.stream().filter(c -> Shard.owner(c) == first).toList();
        assertThat(moving).isNotEmpty();

        net.loopsEnded = true;
        moving.forEach(c -> first.move(c, second, () -> {}));
        net.settle();
        assertThat(moving).allMatch(TcpConnection::isReleased);
        assertThat(listed()).isEqualTo(FLOWS - moving.size());
    }

    @Test
    void requestsThatEndWithTheLinkTakeNoRoom() throws Exception {
        open(1);
        net.start();
        listen(FLOWS, "group");
        ask(FLOWS);
        Shard shard = net.shards.get(0);
        shard.fail(new IOException("expected"));
        assertThat(shard.tcp().flowCount()).isZero();

        ask(FLOWS);
        assertThat(shard.tcp().flowCount()).as("no cookies").isEqualTo(FLOWS);
    }

    @Test
    void aShardWithoutAShareInheritsIfNobodyElseStays() throws Exception {
        connect(8, 2);
        List<Shard> ending = List.copyOf(net.shards);
        net.shards.clear();
        Shard newcomer = net.start();

        ending.forEach(Shard::close);
        net.settle();
        assertThat(newcomer.tcp().flowCount()).isEqualTo(FLOWS);
        assertThat(net.sent).as("no reset").isEmpty();
        assertThat(net.host.leader()).isSameAs(newcomer);
        accepted.forEach(c -> c.abort(net.ticker.nanoTime()));
        net.settle();
        assertThat(listed()).isZero();
    }

    @Test
    void whoeverComesWhileAllOthersEndLeads() throws Exception {
        connect(8, 2);
        Shard leader = net.shards.remove(0);
        Shard second = net.shards.remove(0);
        assertThat(leader.isLeader()).isTrue();

        net.onWakeup = () -> {
            net.onWakeup = () -> {};
            leader.close();
            assertThatCode(net::start).doesNotThrowAnyException();
        };
        second.close();
        net.settle();
        assertThat(net.host.leader()).isNotNull().isSameAs(net.shards.get(0));
        assertThat(net.host.leader().isLeader()).isTrue();
    }

    @Test
    void whatIsOnItsWayToAShardThatLeavesIsStillKnown() throws Exception {
        Map<Integer, Integer> answers = connect(8, 3);
        Shard first = net.shards.get(0);
        Shard leaving = net.shards.get(1);
        accepted.stream()
                .filter(c -> Shard.owner(c) == leaving)
                .toList()
                .forEach(c -> leaving.move(c, first, () -> {}));
        net.settle();
        assertThat(leaving.isExpendable()).isTrue();

        net.shards.remove(2).close();
        assertThat(portsOf(leaving)).isNotEmpty();
        net.shards.remove(leaving);
        answers.forEach((port, sequence) -> put(port, of(ACK).seq(ISS + 1).ack(sequence + 1)));
        net.onWakeup = () -> {
            net.onWakeup = () -> {};
            first.runTurn();
        };
        leaving.leave();
        net.settle();
        assertThat(net.sent).as("no reset").isEmpty();
        assertThat(first.tcp().flowCount()).isEqualTo(FLOWS);
    }

    @Test
    void aShardEndsThoughATaskComesAgainAndAgain() throws Exception {
        connect(8, 2);
        Shard ending = net.shards.get(1);
        int[] run = {0};
        Runnable again = new Runnable() {
            @Override
            public void run() {
                run[0]++;
                ending.submit(this);
            }
        };
        ending.submit(again);

        net.stop(ending);
        assertThat(run[0]).isBetween(1, 10_000);
    }

    @Test
    void whatAShardGivesAwayEndsWithItsHost() throws Exception {
        connect(8, 3);
        Shard first = net.shards.remove(2);
        Shard second = net.shards.remove(1);
        first.close();
        net.host.close();
        net.settle();

        second.close();
        net.settle();
        assertThat(net.shards.get(0).tcp().flowCount()).isZero();
        assertThat(accepted).allMatch(TcpConnection::isReleased);
        assertThat(listed()).isZero();
    }

    @Test
    void aShardEndsWhateverATaskThrows() throws Exception {
        connect(8, 2);
        Shard ending = net.shards.get(1);
        List<Integer> run = new ArrayList<>();
        ending.submit(() -> {
            throw new IllegalStateException("expected");
        });
        ending.submit(() -> run.add(1));

        net.stop(ending);
        assertThat(run).hasSize(1);
        assertThat(net.host.shards()).containsExactly(net.shards.get(0));
        assertThat(net.shards.get(0).tcp().flowCount()).isEqualTo(FLOWS);
    }

    @Test
    void aRequestThatComesAgainWhileItGoesToAnotherShardIsNoOther() throws Exception {
        open(8);
        net.start(4);
        listen(FLOWS, "group");
        Map<Integer, Integer> answers = ask(FLOWS);
        net.ticker.advance(600, TimeUnit.MILLISECONDS);

        Shard gone = net.shards.remove(3);
        gone.close();
        answers.keySet().forEach(port -> put(port, of(SYN).seq(ISS)));
        net.settle();
        net.sent.clear();
        assertThat(net.shards.stream().mapToInt(s -> s.tcp().flowCount()).sum()).isEqualTo(FLOWS);
        acknowledge(answers);

        assertThat(accepted).hasSize(FLOWS);
        assertThat(net.sent).as("no reset").isEmpty();
        assertThat(listed()).isEqualTo(FLOWS);
    }

    /** Requests with the 4-tuples of connections, which they are not to harm (RFC 5961 §4). */
    private void challenge(Map<Integer, Integer> answers) {
        answers.forEach((port, sequence) -> {
            // No challenge soon after another.
            net.ticker.advance(1, TimeUnit.SECONDS);
            send(port, of(SYN).seq(ISS + 77_000_000));
            Segment answer = received();
            assertThat(answer.has(SYN) || answer.has(RST)).isFalse();
            assertThat(answer.acknowledgment).isEqualTo(ISS + 1);
        });
    }

    @Test
    void aRequestForAConnectionComesToItThoughTheLinkBringsItToAnotherShard() throws Exception {
        Map<Integer, Integer> answers = connect(8, 3);

        net.start(2);
        net.settle();
        challenge(answers);

        // What it had goes to others.
        net.stop(net.shards.get(1));
        net.settle();
        challenge(answers);
        assertThat(listed()).isEqualTo(FLOWS);
    }

    @Test
    void connectionsFromBeforeAListenerAreFoundByRequestsThatComeToAnotherShard() throws Exception {
        open(8);
        Shard first = net.start();
        List<TcpConnection> earlier = new ArrayList<>();
        for (int port = FIRST_PORT; port < FIRST_PORT + 16; port++) {
            earlier.add(first.connect(new TcpSettings(), HOST, PORT, PEER, port, null));
        }
        net.start(3);
        listen(FLOWS, "group");

        assertThat(listed()).isEqualTo(earlier.size());
        earlier.forEach(c -> c.abort(net.ticker.nanoTime()));
        assertThat(listed()).isZero();
    }

    @Test
    void aConnectionThatMovesToWhereItsBucketIsStaysListed() throws Exception {
        connect(8, 4);
        Shard last = net.shards.get(3);
        for (TcpConnection c : accepted) {
            Shard owner = Shard.owner(c);
            if (owner != last) {
                owner.move(c, last, () -> {});
            }
        }
        net.settle();

        assertThat(last.tcp().flowCount()).isEqualTo(FLOWS);
        assertThat(listed()).isEqualTo(FLOWS);
        accepted.forEach(c -> c.abort(net.ticker.nanoTime()));
        assertThat(listed()).isZero();
    }

    @Test
    void whatWaitsForItsLastSegmentsIsNotListedAndStillThere() throws Exception {
        Map<Integer, Integer> answers = connect(4, 4);

        closeAll(answers);
        assertThat(waiting()).isEqualTo(FLOWS);
        assertThat(listed()).isZero();

        finish(answers);
        send(FIRST_PORT, of(SYN).seq(ISS + 1000));
        assertThat(received().acknowledgment).isEqualTo(ISS + 1001);
        assertThat(waiting()).isEqualTo(FLOWS - 1);
    }

    /** Ports of the peer from which everything comes to the first shard. */
    private List<Integer> portsToTheFirst(int count) throws Exception {
        open(4);
        net.start(4);
        listen(FLOWS * 4, "group");
        List<Integer> ports = new ArrayList<>();
        for (int port = FIRST_PORT; ports.size() < count; port++) {
            long before = segments(net.shards.get(0));
            send(port, of(SYN).seq(ISS));
            if (segments(net.shards.get(0)) > before) {
                ports.add(port);
            }
        }
        net.close();
        return ports;
    }

    @Test
    void aRequestThatAShardHasNoRoomForIsAnsweredWhereItsAcknowledgementWillBeKnown() throws Exception {
        int room = 8;
        List<Integer> ports = portsToTheFirst(2 * room);
        open(4);
        net.start(4);
        listen(room, "group");

        Map<Integer, Integer> answers = ask(ports);
        assertThat(net.shards.get(0).tcp().flowCount()).isEqualTo(room);
        int others =
                net.shards.stream().mapToInt(shard -> shard.tcp().flowCount()).sum() - room;
        assertThat(others).isPositive();
        assertThat(net.host.counters()).containsEntry("SyncookiesSent", (long) room - others);
        acknowledge(answers);

        assertThat(accepted).hasSize(2 * room);
        assertThat(net.sent).as("no reset").isEmpty();
    }

    @Test
    void aRequestThatWasHandedOverIsNotTakenWhenItComesAgain() throws Exception {
        int room = 8;
        List<Integer> ports = portsToTheFirst(3 * room);
        open(4);
        net.start(4);
        listen(room, "group");
        Map<Integer, Integer> first = ask(ports.subList(0, room));
        Map<Integer, Integer> others = new TreeMap<>();
        for (int port : ports.subList(room, ports.size())) {
            long cookies = net.host.counters().get("SyncookiesSent");
            Map<Integer, Integer> answer = ask(List.of(port));
            if (net.host.counters().get("SyncookiesSent") == cookies) {
                others.putAll(answer);
            }
        }
        assertThat(others).isNotEmpty();
        // Now there is room.
        acknowledge(first);

        others.forEach((port, sequence) -> {
            net.ticker.advance(1, TimeUnit.SECONDS);
            send(port, of(SYN).seq(ISS));
            net.sent.clear();
            send(port, of(ACK).seq(ISS + 1).ack(sequence + 1));
        });
        assertThat(accepted).hasSize(room + others.size());
        assertThat(net.sent).as("no reset").isEmpty();
    }

    @Test
    void theCookieForWhatWasInTimeWaitIsKnownAgain() throws Exception {
        int room = 8;
        List<Integer> ports = portsToTheFirst(2 * room);
        open(4);
        net.start(4);
        listen(room, "group");
        List<Integer> again = ports.subList(0, room);
        Map<Integer, Integer> answers = ask(again);
        acknowledge(answers);
        closeAll(answers);
        ask(ports.subList(room, 2 * room));
        accepted.clear();

        for (int port : again) {
            send(port, of(SYN).seq(ISS + 1000));
            send(port, of(ACK).seq(ISS + 1001).ack(received().sequence + 1));
        }
        assertThat(accepted).hasSize(room);
        assertThat(net.sent).as("no reset").isEmpty();
    }

    @Test
    void thePortOfAnOutgoingConnectionInTimeWaitIsNobodyElses() throws Exception {
        open(8);
        Shard first = net.start();
        net.settle();
        List<TcpConnection> connections = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            TcpConnection c = first.connect(new TcpSettings(), null, 0, PEER, PORT, null);
            c.flush(first.now());
            net.settle();
            reply(c, of(SYN, ACK).seq(5000).ack(received().sequence + 1));
            net.sent.clear();
            connections.add(c);
        }
        Shard second = net.start();
        net.settle();
        for (TcpConnection c : connections) {
            c.close(first.now());
            net.settle();
            reply(c, of(FIN, ACK).seq(5001).ack(received().sequence + 1));
            net.sent.clear();
        }
        assertThat(first.tcp().timeWaitCount()).isEqualTo(connections.size());

        FlowSteering steering = net.host.steering();
        assertThat(connections).noneMatch(c -> {
            FlowSteering.FlowKey key = new FlowSteering.FlowKey(
                    IpProtocol.TCP, HOST.high(), HOST.low(), c.localPort(), PEER.high(), PEER.low(), PORT);
            return steering.claim(key, second, steering.table(), false);
        });
    }

    @Test
    void anOutgoingConnectionFromAPortThatIsServedIsListedInTimeWait() throws Exception {
        open(8);
        net.start(2);
        listen(FLOWS, "group");
        Shard first = net.shards.get(0);
        int count = 8;
        for (int port = FIRST_PORT; port < FIRST_PORT + count; port++) {
            TcpConnection c = first.connect(new TcpSettings(), HOST, PORT, PEER, port, null);
            c.flush(first.now());
            net.settle();
            send(port, of(SYN, ACK).seq(5000).ack(received().sequence + 1));
            net.sent.clear();
            c.close(first.now());
            net.settle();
            send(port, of(FIN, ACK).seq(5001).ack(received().sequence + 1));
            net.sent.clear();
        }

        assertThat(first.tcp().timeWaitCount()).isEqualTo(count);
        assertThat(listed()).isEqualTo(count);
    }

    @Test
    void withSomeQueuesButNotForEachShardRequestsAreSpreadByTheTable() throws Exception {
        connect(2, 4);

        assertThat(net.shards)
                .allSatisfy(shard -> assertThat(shard.tcp().flowCount()).isPositive());
        assertThat(accepted).hasSize(FLOWS);
        assertThat(net.sent).as("no reset").isEmpty();
    }

    private void reply(TcpConnection c, Segment segment) {
        segment.sourcePort = PORT;
        segment.destinationPort = c.localPort();
        receive(segment);
    }

    @Test
    void withFewerQueuesThanShardsRequestsAreSpreadByTheTable() throws Exception {
        connect(1, 4);

        assertThat(net.shards)
                .allSatisfy(shard -> assertThat(shard.tcp().flowCount()).isPositive());
        assertThat(listed()).isZero();
        assertThat(accepted).hasSize(FLOWS);
    }

    @Test
    void aLoopThatDoesNotServeThePortKeepsNoRequest() throws Exception {
        open(4);
        Shard boss = net.start("bosses");
        net.start("workers");
        net.start("workers");
        listen(FLOWS, "workers");

        acknowledge(ask(FLOWS));

        assertThat(segments(boss)).isPositive();
        assertThat(boss.tcp().flowCount()).isZero();
        assertThat(accepted).hasSize(FLOWS);
    }
}
