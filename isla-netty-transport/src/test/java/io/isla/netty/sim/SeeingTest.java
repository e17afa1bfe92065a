/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.testing.Programs;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What can be seen of a network: traces, captures, counters, state. */
class SeeingTest {
    private final VirtualNetwork network = VirtualNetwork.create(8);
    private final VirtualHost server = network.namedHost("server", "10.0.0.1");
    private final VirtualHost client = network.namedHost("client", "10.0.0.2");
    private final VirtualLink link = network.link(client, server);
    private final Echo.Counter counter = new Echo.Counter();

    @AfterEach
    void close() {
        network.close();
    }

    private Channel talk() {
        link.latency(Duration.ofMillis(1));
        network.await(Echo.serve(server));
        Channel channel = network.await(Echo.connect(client, server, counter)).channel();
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[5]));
        network.runFor(Duration.ofMillis(1));
        link.from(client).loss(1);
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[7]));
        network.runFor(Duration.ofMillis(100));
        link.from(client).loss(0);
        network.runUntilIdle();
        return channel;
    }

    @Test
    void theTraceReadsLikeTcpdumpsWithRelativeNumbersAndFates() {
        Channel channel = talk();
        int port = ((java.net.InetSocketAddress) channel.localAddress()).getPort();

        assertThat(network.trace().replace("10.0.0.2." + port, "10.0.0.2.port").lines())
                .filteredOn(line -> line.contains("length"))
                .anyMatch(
                        line -> line.startsWith("0.001000 client: 10.0.0.2.port > 10.0.0.1.7: Flags [S], seq 0, win "))
                .anyMatch(line ->
                        line.startsWith("0.002000 server: 10.0.0.1.7 > 10.0.0.2.port: Flags [S.], seq 0, ack 1, win "))
                .anyMatch(line ->
                        line.startsWith("0.003000 client: 10.0.0.2.port > 10.0.0.1.7: Flags [P.], seq 1:6, ack 1, win ")
                                && line.endsWith(", length 5"))
                .anyMatch(line -> line.startsWith(
                                "0.004000 client: 10.0.0.2.port > 10.0.0.1.7: Flags [P.], seq 6:13, ack 1, win ")
                        && line.endsWith(", length 7 (lost on client-server)"));
        assertThat(client.trace()).isEqualTo(network.trace());
        assertThat(link.trace()).isEqualTo(network.trace());
    }

    @Test
    void theTraceRemembersTheLastPacketsOnly() {
        try (VirtualNetwork forgetful = VirtualNetwork.builder().traceLength(3).build()) {
            VirtualHost a = forgetful.host("10.0.0.1");
            VirtualHost b = forgetful.host("10.0.0.2");
            forgetful.link(a, b);
            forgetful.await(Echo.serve(a));
            forgetful.await(Echo.connect(b, a, new Echo.Counter()));

            assertThat(forgetful.trace().lines()).hasSize(4).first().asString().matches("\\(\\d+ packets before\\)");
        }
    }

    @Test
    void countersTellOfEachDirection() {
        talk();

        assertThat(link.counters(client).get("lost"))
                .isEqualTo(link.counters().get("lost"))
                .isPositive();
        assertThat(link.counters(server).get("lost")).isZero();
        assertThat(link.counters(server).get("packets")).isPositive();
        assertThat(link.counters(server).get("bytes"))
                .isGreaterThan(link.counters(server).get("packets") * 42);
        assertThatThrownBy(() -> link.counters(network.addSwitch("elsewhere"))).hasMessageContaining("elsewhere");
    }

    @Test
    void theStateOfConnectionsIsToldWithTheirChannels() {
        Channel channel = talk();

        assertThat(network.state())
                .contains("host server\n")
                .contains("host client\n")
                .contains(channel + " ESTABLISHED, OPEN, cwnd ");
        assertThat(network.report())
                .startsWith("seed 8, after ")
                .contains("link client-server: packets ")
                .contains("last packets:");
    }

    @Test
    void connectionsThatTheirChannelHasLeftAreToldToo() {
        Channel channel = talk();
        link.cut();
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[10]));
        channel.close();
        network.runFor(Duration.ofSeconds(1));

        assertThat(network.state()).contains("[no channel, L:/10.0.0.2:").contains("] FIN_WAIT_1, not acknowledged");
    }

    @Test
    void aChannelThatIsConnectingIsToldOfOnceAndKnownByItsSyn(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("file.pcapng");
        network.capture(file);
        link.latency(Duration.ofMillis(10));
        network.await(Echo.serve(server));
        Channel channel = Echo.connect(client, server, counter).channel();
        network.runUntil(() -> network.trace().contains("Flags [S]"), Duration.ofSeconds(1));

        assertThat(network.state().lines())
                .filteredOn(line -> line.contains("SYN_SENT"))
                .singleElement()
                .asString()
                .contains(channel.id().asShortText());
        network.close();
        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1))
                .contains("channel " + channel.id().asShortText());
    }

    @Test
    void capturesAreOpenedByOthersAndTellOfFaultsAndChannels(@TempDir Path directory) throws Exception {
        Path all = directory.resolve("all.pcapng");
        Path one = directory.resolve("one.pcapng");
        network.capture(all);
        client.capture(one);
        Channel channel = talk();
        link.cut().heal();
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[1]));
        network.runUntilIdle();
        network.close();

        assertThat(Files.size(all)).isEqualTo(Files.size(one)).isPositive();
        Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/tshark")), "tshark is not installed");
        List<String> lines = tshark(
                "-r",
                all.toString(),
                "-T",
                "fields",
                "-e",
                "frame.time_epoch",
                "-e",
                "frame.interface_name",
                "-e",
                "frame.comment",
                "-e",
                "tcp.len",
                "-e",
                "_ws.malformed");
        assertThat(lines)
                .anyMatch(line -> line.startsWith("946684800.004000000\tclient-server\tlost; channel "
                        + channel.id().asShortText() + "\t7"))
                .anyMatch(line -> line.contains("--- link client-server cut; ") && line.contains("healed"))
                .noneMatch(line -> line.contains("alformed"));
    }

    @Test
    void oneCaptureDoesNotEndAnother(@TempDir Path directory) throws Exception {
        List<Path> files = List.of(
                directory.resolve("network"),
                directory.resolve("network-too"),
                directory.resolve("link"),
                directory.resolve("host"));
        network.capture(files.get(0));
        network.capture(files.get(1));
        link.capture(files.get(2));
        client.capture(files.get(3));
        talk();
        network.close();

        byte[] expected = Files.readAllBytes(files.get(0));
        assertThat(expected.length).isGreaterThan(500);
        assertThat(files).allSatisfy(file -> assertThat(file).hasBinaryContent(expected));
    }

    private static List<String> tshark(String... arguments) throws IOException, InterruptedException {
        String[] command =
                Stream.concat(Stream.of("tshark"), Stream.of(arguments)).toArray(String[]::new);
        Programs.Result result = Programs.run(command);
        assertThat(result.status()).as(result.errors()).isZero();
        return result.text().lines().toList();
    }

    @Test
    void aFileThatCannotBeWrittenIsNamed(@TempDir Path directory) {
        assertThatThrownBy(() -> network.capture(directory.resolve("no").resolve("such.pcapng")))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("such.pcapng");
    }
}
