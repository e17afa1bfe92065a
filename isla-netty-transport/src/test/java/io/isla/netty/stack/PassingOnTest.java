/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static io.isla.netty.testing.Segment.ACK;
import static io.isla.netty.testing.Segment.RST;
import static io.isla.netty.testing.Segment.SYN;
import static io.isla.netty.testing.Segment.of;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpSettings;
import io.isla.netty.testing.Segment;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.TcpHeader;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of connections and requests that are on their way from shard to shard, as these come and go. */
class PassingOnTest extends PeerOfShards {
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
}
