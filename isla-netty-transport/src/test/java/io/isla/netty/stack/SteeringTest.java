/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.MacAddress;
import io.isla.netty.link.MemoryLink;
import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpParameters;
import io.isla.netty.tcp.TcpSettings;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which shard has which flows, as shards come and go and listeners are served. The shards run when the test says so. */
class SteeringTest {
    private static final IpAddress LOCAL = IpAddress.v4(0x0a000001);
    private static final IpAddress PEER = IpAddress.v4(0x0a000002);
    private static final int PORT = 8080;
    private static final int OTHER_PORT = 8081;

    private final MemoryLink.Pair link = MemoryLink.pair("steering", "nobody");
    private final MockTicker ticker = Ticker.newMockTicker();
    private final List<Shard> shards = new ArrayList<>();
    private final HostStack host = new HostStack(new HostConfiguration(
            link.first(),
            MacAddress.parse("02:00:00:00:00:01"),
            List.of(new HostConfiguration.Address(LOCAL, 24)),
            List.of(),
            1500,
            new TcpParameters(),
            42,
            false));

    @AfterEach
    void close() {
        shards.forEach(Shard::close);
        host.close();
        link.close();
    }

    private record Loop(Ticker ticker, Object group) implements ShardLoop {
        @Override
        public boolean execute(Runnable task) {
            task.run();
            return true;
        }

        @Override
        public boolean inLoop() {
            return true;
        }

        @Override
        public void wakeup() {
            // The test runs all turns.
        }

        @Override
        public ByteBufAllocator allocator() {
            return ByteBufAllocator.DEFAULT;
        }
    }

    private Shard start(Object group) throws Exception {
        Shard shard = host.newShard(new Loop(ticker, group));
        shards.add(shard);
        return shard;
    }

    private void runAll() {
        shards.forEach(Shard::runTurn);
    }

    private Shard owner(int localPort, int remotePort) {
        return host.steering()
                .owner(IpProtocol.TCP, LOCAL.high(), LOCAL.low(), localPort, PEER.high(), PEER.low(), remotePort);
    }

    /** How many of 1,000 flows to a local port each shard has. */
    private Map<Integer, Integer> spread(int localPort) {
        Map<Integer, Integer> flows = new TreeMap<>();
        for (int remotePort = 1; remotePort <= 1000; remotePort++) {
            flows.merge(owner(localPort, remotePort).index(), 1, Integer::sum);
        }
        return flows;
    }

    private HostListener listen(int port, Object group) throws Exception {
        return host.listeners()
                .listen(
                        IpAddress.ANY_V6,
                        port,
                        10,
                        true,
                        false,
                        false,
                        ListenScope.NONE,
                        new TcpSettings(),
                        group,
                        c -> c.abort(ticker.nanoTime()));
    }

    @Test
    void shardsThatStartTogetherGetAnEvenShareEach() throws Exception {
        for (int i = 0; i < 4; i++) {
            start("group");
        }
        runAll();

        assertThat(spread(PORT)).containsOnlyKeys(0, 1, 2, 3);
        assertThat(spread(PORT).values()).allSatisfy(flows -> assertThat(flows).isBetween(150, 350));
    }

    @Test
    void aShareIsGivenOnceAllShardsHaveHeardOfIt() throws Exception {
        Shard first = start("group");
        Shard second = start("group");
        assertThat(spread(PORT)).containsOnlyKeys(first.index());

        second.runTurn();
        assertThat(spread(PORT)).containsOnlyKeys(first.index());

        first.runTurn();
        assertThat(spread(PORT)).containsOnlyKeys(first.index(), second.index());
    }

    @Test
    void aConnectionKeepsItsShardWhenItsBucketGoesToAnother() throws Exception {
        Shard first = start("group");
        List<TcpConnection> connections = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            connections.add(first.connect(new TcpSettings(), null, 0, PEER, PORT, null));
        }
        start("group");
        // After the plan, before it is in force.
        first.runTurn();
        for (int i = 0; i < 20; i++) {
            connections.add(first.connect(new TcpSettings(), null, 0, PEER, PORT, null));
        }
        runAll();

        assertThat(connections).allSatisfy(c -> assertThat(owner(c.localPort())).isSameAs(first));
        assertThat(host.steering().listed()).isPositive();

        connections.forEach(c -> c.abort(ticker.nanoTime()));
        assertThat(host.steering().listed()).isZero();
    }

    private Shard owner(int localPort) {
        return owner(localPort, PORT);
    }

    @Test
    void aShardChoosesPortsWhoseFlowsAreItsOwn() throws Exception {
        Shard first = start("group");
        Shard second = start("group");
        runAll();

        for (Shard shard : List.of(first, second)) {
            for (int i = 0; i < 10; i++) {
                TcpConnection c = shard.connect(new TcpSettings(), null, 0, PEER, PORT, null);
                assertThat(owner(c.localPort())).isSameAs(shard);
            }
        }
        assertThat(host.steering().listed()).isZero();
    }

    @Test
    void theConnectionsOfAListenerLiveOnTheLoopsThatServeIt() throws Exception {
        Shard boss = start("boss");
        Shard worker = start("workers");
        Shard otherWorker = start("workers");
        runAll();
        HostListener listener = listen(PORT, "boss");
        assertThat(spread(PORT)).containsOnlyKeys(boss.index());

        host.serve(listener, "workers");

        assertThat(spread(PORT)).containsOnlyKeys(worker.index(), otherWorker.index());
        assertThat(spread(OTHER_PORT)).containsOnlyKeys(boss.index(), worker.index(), otherWorker.index());
    }

    @Test
    void connectionsThatWereThereBeforeAListenerStayWhereTheyAre() throws Exception {
        Shard client = start("clients");
        start("workers");
        runAll();
        List<TcpConnection> connections = new ArrayList<>();
        for (int remotePort = 1; remotePort <= 20; remotePort++) {
            connections.add(client.connect(new TcpSettings(), LOCAL, PORT, PEER, remotePort, null));
        }
        listen(PORT, "workers");
        assertThat(host.steering().isSettling(PORT)).isTrue();
        runAll();

        assertThat(host.steering().isSettling(PORT)).isFalse();
        assertThat(connections)
                .allSatisfy(c -> assertThat(owner(PORT, c.remotePort())).isSameAs(client));
        assertThat(owner(PORT, 21)).isNotSameAs(client);
    }

    @Test
    void aConnectionThatMovesIsFoundWhereItIsThoughAnotherGroupServesItsPort() throws Exception {
        Shard worker = start("workers");
        Shard client = start("clients");
        runAll();
        listen(PORT, "workers");
        runAll();
        List<TcpConnection> connections = new ArrayList<>();
        for (int remotePort = 1; remotePort <= 20; remotePort++) {
            connections.add(worker.connect(new TcpSettings(), LOCAL, PORT, PEER, remotePort, null));
        }

        connections.forEach(c -> worker.move(c, client, () -> {}));
        runAll();

        assertThat(connections)
                .allSatisfy(c -> assertThat(owner(PORT, c.remotePort())).isSameAs(client));
        connections.forEach(c -> client.move(c, worker, () -> {}));
        runAll();
        assertThat(connections)
                .allSatisfy(c -> assertThat(owner(PORT, c.remotePort())).isSameAs(worker));
        assertThat(host.steering().listed()).isZero();
    }

    @Test
    void aLoopThatJoinsItsGroupLaterServesWithIt() throws Exception {
        Shard first = start("workers");
        start("clients");
        runAll();
        listen(PORT, "workers");
        Shard late = start("workers");
        start("clients");
        runAll();

        assertThat(spread(PORT)).containsOnlyKeys(first.index(), late.index());
    }

    @Test
    void whatAShardHadIsSpreadOverThoseThatAreLeft() throws Exception {
        Shard worker = start("workers");
        Shard goes = start("workers");
        Shard client = start("clients");
        runAll();
        listen(PORT, "workers");

        goes.close();
        runAll();

        assertThat(spread(PORT)).containsOnlyKeys(worker.index());
        assertThat(spread(OTHER_PORT)).containsOnlyKeys(worker.index(), client.index());
    }

    @Test
    void aPortWhoseGroupIsGoneIsLikeAllOthers() throws Exception {
        Shard worker = start("workers");
        Shard client = start("clients");
        runAll();
        listen(PORT, "workers");

        worker.close();
        runAll();

        assertThat(spread(PORT)).isEqualTo(Map.of(client.index(), 1000));
    }

    @Test
    void aShardThatEndsBeforeItGotItsShareDoesNotGetIt() throws Exception {
        Shard first = start("group");
        Shard second = start("group");
        second.close();
        runAll();
        Shard third = start("group");
        runAll();

        assertThat(spread(PORT).keySet()).isEqualTo(new TreeSet<>(List.of(first.index(), third.index())));
        assertThat(Collections.frequency(host.shards(), second)).isZero();
    }

    @Test
    void aPlanThatComesIntoForceLateGivesNothingToAShardThatHasEnded() throws Exception {
        start("group");
        start("group");
        runAll();
        Shard third = start("group");
        SteeringTable plan = host.steering().plan(planned -> planned);
        assertThat(plan.has(third)).isTrue();
        shards.remove(third);
        third.close();

        host.steering().commit(plan);
        assertThat(host.steering().table().version).isEqualTo(plan.version);
        assertThat(spread(PORT)).containsOnlyKeys(0, 1);
    }

    /** Or else the next plan would be a change for flows that nobody expects to move. */
    @Test
    void aPlanThatComesIntoForceLateSpreadsWhatWasLeftAsTheLastPlanDoes() throws Exception {
        for (int i = 0; i < 5; i++) {
            start("group");
        }
        runAll();
        start("group");
        SteeringTable plan = host.steering().plan(planned -> planned);
        for (int gone : new int[] {3, 1}) {
            shards.remove(gone).close();
        }

        host.steering().commit(plan);
        SteeringTable last = host.steering().plan(planned -> planned);
        SteeringTable table = host.steering().table();
        assertThat(table.version).isEqualTo(last.version);
        for (int bucket = 0; bucket < SteeringTable.BUCKETS; bucket++) {
            assertThat(table.owner("group", bucket)).isSameAs(last.owner("group", bucket));
            assertThat(table.owner(null, bucket)).isSameAs(last.owner(null, bucket));
        }
    }
}
