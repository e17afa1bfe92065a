/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static io.isla.netty.testing.Segment.ACK;
import static io.isla.netty.testing.Segment.FIN;
import static io.isla.netty.testing.Segment.RST;
import static io.isla.netty.testing.Segment.SYN;
import static io.isla.netty.testing.Segment.of;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.testing.ScriptedPeer;
import io.isla.netty.testing.Segment;
import io.isla.netty.testing.SimSocket;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Counters of {@code /proc/net/netstat} and fields of {@code tcp_info}, each by the segments that it is to count. */
class TcpCountersTest {
    private final ScriptedPeer peer = new ScriptedPeer();

    @AfterEach
    void close() {
        peer.close();
    }

    private void counts(String name, long expected) {
        assertThat(peer.counter(name)).as("%s; %s", name, peer.trace()).isEqualTo(expected);
    }

    private SimSocket connectWithSack() {
        return peer.connect(new TcpSettings(), syn -> syn.mss(1000).sackPermitted());
    }

    private Segment data(int offset, int length) {
        return of(ACK).seq(peer.sndNxt + offset).ack(peer.rcvNxt).length(length);
    }

    private static Set<String> linux() throws IOException {
        try (InputStream in = TcpCountersTest.class.getResourceAsStream("linux-counters.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    @Test
    void aNameIsOneOfLinuxOrBeginsWithIsla() throws IOException {
        Set<String> linux = linux();
        assertThat(linux).hasSizeGreaterThan(100);
        assertThat(TcpCounter.values())
                .extracting(TcpCounter::toString)
                .doesNotHaveDuplicates()
                .allMatch(name -> name.startsWith("Isla") != linux.contains(name));
    }

    @Test
    void theDocumentSaysWhyTheOthersOfLinuxAreMissing() throws IOException {
        Set<String> documented = new TreeSet<>();
        boolean there = false;
        for (String line : Files.readAllLines(Path.of("..", "docs", "tcp-counters.md"))) {
            there = line.startsWith("#") ? line.equals("## Counters of Linux that are not kept") : there;
            if (there && line.startsWith("| `")) {
                Pattern.compile("`(\\w+)`")
                        .matcher(line.split("\\|")[1])
                        .results()
                        .forEach(name -> documented.add(name.group(1)));
            }
        }
        Set<String> missing = linux();
        for (TcpCounter counter : TcpCounter.values()) {
            missing.remove(counter.toString());
        }
        assertThat(documented).isEqualTo(missing);
    }

    @Test
    void retransmissionsInFastRecovery() {
        peer.handshakeDelay = Duration.ofMillis(100);
        SimSocket socket = connectWithSack();
        socket.write(new byte[5000]);
        int first = peer.drain().get(0).sequence;
        peer.send(of(ACK).seq(peer.sndNxt).ack(first).sack(first + 1000, first + 5000));
        peer.after(Duration.ofMillis(20));
        assertThat(peer.drain()).isNotEmpty().allMatch(s -> s.sequence == first);
        counts("TCPSackRecovery", 1);
        counts("TCPFastRetrans", 1);
        counts("TCPSlowStartRetrans", 0);
        counts("RetransSegs", 1);
        counts("TCPOrigDataSent", 5);
        peer.after(Duration.ofSeconds(2));
        counts("TCPSackRecoveryFail", 1);
        counts("TCPLossFailures", 0);
    }

    @Test
    void retransmissionsAfterATimeout() {
        SimSocket socket = connectWithSack();
        socket.write(new byte[4000]);
        int first = peer.drain().get(0).sequence;
        peer.after(Duration.ofSeconds(2)).drain();
        // Not a spurious timeout: only what was sent again has arrived.
        peer.send(of(ACK).seq(peer.sndNxt).ack(first + 1000));
        peer.after(Duration.ofMillis(1));
        peer.send(of(ACK).seq(peer.sndNxt).ack(first + 1000).sack(first + 3000, first + 4000));
        peer.after(Duration.ofMillis(300));
        assertThat(peer.drain()).isNotEmpty();
        assertThat(peer.counter("TCPSlowStartRetrans") + peer.counter("TCPFastRetrans"))
                .as("%s", peer.trace())
                .isPositive();
        assertThat(peer.counter("TCPSackRecoveryFail") + peer.counter("TCPSackFailures"))
                .isZero();
    }

    @Test
    void duplicateSacksAreOfOldDataOrOfDataAheadOfAGap() {
        connectWithSack();
        peer.send(peer.nextData(1000)).send(data(-1000, 1000));
        peer.drain();
        counts("TCPDSACKOldSent", 1);
        counts("DelayedACKLost", 1);
        peer.send(data(1000, 500)).send(data(1000, 500));
        peer.drain();
        counts("TCPDSACKOfoSent", 1);
        counts("TCPDSACKOldSent", 1);
        assertThat(peer.host.accepted.get(0).connection.info(0).outOfOrderSegmentsIn())
                .isEqualTo(2);
    }

    @Test
    void duplicateSacksReceivedAreToldApartToo() {
        SimSocket socket = connectWithSack();
        socket.write(new byte[4000]);
        int first = peer.drain().get(0).sequence;
        peer.send(of(ACK).seq(peer.sndNxt).ack(first + 1000).sack(first, first + 1000));
        counts("TCPDSACKRecv", 1);
        peer.send(of(ACK).seq(peer.sndNxt)
                .ack(first + 1000)
                .sack(first + 2000, first + 3000, first + 2000, first + 4000));
        counts("TCPDSACKOfoRecv", 1);
        counts("TCPDSACKRecv", 1);
    }

    @Test
    void windowsThatCloseAndOpen() {
        SimSocket socket = peer.connect(new TcpSettings().receiveBuffer(4000), syn -> syn.mss(1000));
        socket.reading(false);
        for (int i = 0; i < 4; i++) {
            peer.send(peer.nextData(1000));
        }
        peer.after(Duration.ofMillis(300));
        assertThat(peer.drain()).last().matches(s -> s.window == 0);
        counts("TCPToZeroWindowAdv", 1);
        counts("TCPFromZeroWindowAdv", 0);
        socket.reading(true);
        assertThat(peer.drain()).last().matches(s -> s.window > 0);
        counts("TCPFromZeroWindowAdv", 1);
        counts("TCPToZeroWindowAdv", 1);
    }

    @Test
    void resetsOfRequests() {
        peer.host.listen(80, 10, new TcpSettings());
        peer.send(of(SYN).seq(peer.iss).mss(1000));
        peer.expect(SYN, ACK);
        peer.send(of(RST).seq(peer.iss + 1));
        counts("EmbryonicRsts", 1);
        counts("AttemptFails", 1);
    }

    @Test
    void answersThatWereNotSentForTheirRate() {
        peer.connect();
        for (int i = 0; i < 3; i++) {
            peer.send(of(ACK).seq(peer.sndNxt - 1).ack(peer.rcvNxt));
        }
        assertThat(peer.drain()).hasSize(1);
        counts("TCPACKSkippedSeq", 2);
        peer.send(of(SYN).seq(peer.sndNxt));
        counts("TCPACKSkippedChallenge", 1);
        counts("TCPACKSkippedPAWS", 0);
    }

    private void synsThatOverflowTheQueue(boolean cookies) {
        TcpParameters parameters = new TcpParameters();
        parameters.maxSynBacklog = 8;
        parameters.synCookies = cookies;
        try (ScriptedPeer flooding = new ScriptedPeer(parameters)) {
            flooding.host.listen(80, 100, new TcpSettings());
            for (int i = 0; i < 11; i++) {
                flooding.port++;
                flooding.send(of(SYN).seq(flooding.iss).mss(1000));
            }
            assertThat(flooding.drain()).hasSize(cookies ? 11 : 8);
            assertThat(flooding.counter("TCPReqQFullDoCookies")).isEqualTo(cookies ? 3 : 0);
            assertThat(flooding.counter("SyncookiesSent")).isEqualTo(cookies ? 3 : 0);
            assertThat(flooding.counter("TCPReqQFullDrop")).isEqualTo(cookies ? 0 : 3);
            assertThat(flooding.counter("ListenDrops")).isEqualTo(cookies ? 0 : 3);
        }
    }

    @Test
    void requestsBeyondTheQueueAreAnsweredByCookiesOrDropped() {
        synsThatOverflowTheQueue(true);
        synsThatOverflowTheQueue(false);
    }

    @Test
    void answersToRepeatedRequestsThatWereNotSentForTheirRate() {
        peer.host.listen(80, 10, new TcpSettings());
        for (int i = 0; i < 3; i++) {
            peer.send(of(SYN).seq(peer.iss).mss(1000));
        }
        assertThat(peer.drain()).hasSize(1);
        counts("TCPACKSkippedSynRecv", 2);
    }

    @Test
    void answersToOldTimestampsThatWereNotSentForTheirRate() {
        peer.timestamps = true;
        peer.connect();
        peer.after(Duration.ofMinutes(1));
        peer.send(peer.nextData(10));
        peer.after(Duration.ofSeconds(1)).drain();
        for (int i = 0; i < 3; i++) {
            peer.send(peer.ackAll().timestamps(peer.timestamp() - 30_000, peer.lastHostTimestamp));
        }
        assertThat(peer.drain()).hasSize(1);
        counts("PAWSEstab", 3);
        counts("TCPACKSkippedPAWS", 2);
        counts("TCPACKSkippedSeq", 0);
    }

    @Test
    void answersInTimeWaitThatWereNotSentForTheirRate() {
        SimSocket socket = peer.connect();
        socket.finish();
        peer.expect(FIN, ACK);
        peer.send(of(FIN, ACK).seq(peer.sndNxt).ack(peer.rcvNxt));
        peer.expect(ACK);
        for (int i = 0; i < 3; i++) {
            peer.send(of(ACK).seq(peer.sndNxt - 100).ack(peer.rcvNxt));
        }
        assertThat(peer.drain()).hasSize(1);
        counts("TCPACKSkippedTimeWait", 2);
    }

    @Test
    void infoTellsTimesAndSizesOfTheReceiver() {
        SimSocket socket = peer.connect();
        peer.send(peer.nextData(100));
        peer.after(Duration.ofSeconds(3));
        peer.send(peer.ackAll());
        TcpInfo info = socket.connection.info(peer.time.nanoTime());
        assertThat(info.sinceLastDataReceived()).isEqualTo(Duration.ofSeconds(3).toNanos());
        assertThat(info.sinceLastReceived()).isZero();
        assertThat(info.advertisedMss()).isEqualTo(1460);
        assertThat(info.ackDelay()).isBetween(1L, 200_000_000L);
    }

    @Test
    void retransFailCountsWhatThereWasNoWayToSendAgain() {
        SimSocket socket = connectWithSack();
        socket.write(new byte[100]);
        peer.expect(ACK);
        peer.host.stack().removeAddress(peer.host.address(), () -> {});
        peer.expectNothing(Duration.ofSeconds(2));

        counts("TCPRetransFail", peer.counter("IslaOutNoRoute"));
        assertThat(peer.counter("TCPRetransFail")).isPositive();

        // The connection has outlived it.
        peer.host.stack().addAddress(peer.host.address(), 24, () -> {});
        assertThat(peer.expectWithin(Duration.ofSeconds(10), ACK).data).hasSize(100);
    }
}
