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

import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpSettings;
import io.isla.netty.testing.Segment;
import io.isla.netty.wire.IpProtocol;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** On which shard a connection lives that the peer has asked for: where the link brings its segments, if that may be so. */
class RequestSteeringTest extends PeerOfShards {
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
