/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is read of what other programs, and the kernel, say. */
class OutputsTest {

    @Test
    void readsWrk() {
        WrkOutput output = WrkOutput.parse("""
                Running 2s test @ http://10.78.1.2:8080/
                  1 threads and 64 connections
                  Thread Stats   Avg      Stdev     Max   +/- Stdev
                    Latency   612.45us  101.31us   4.40ms   84.44%
                    Req/Sec    99.71k     2.10k  102.22k    66.67%
                  208310 requests in 2.10s, 152.96MB read
                Requests/sec:  99119.35
                Transfer/sec:     72.78MB
                """);

        assertThat(output).isEqualTo(new WrkOutput(208_310, 99_119.35, 0));
    }

    @Test
    void countsAllErrorsThatWrkTells() {
        WrkOutput output = WrkOutput.parse("""
                  0 requests in 1.00s, 0.00B read
                  Socket errors: connect 1, read 20, write 300, timeout 4000
                  Non-2xx or 3xx responses: 50000
                Requests/sec:      0.00
                """);

        assertThat(output).isEqualTo(new WrkOutput(0, 0, 54_321));
    }

    @Test
    void saysWhatWrkSaidInstead() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> WrkOutput.parse("unable to connect to 10.78.1.2:8080 Connection refused\n"))
                .withMessageContaining("Connection refused");
    }

    @Test
    void readsIperf3() {
        String json = """
                {
                  "intervals": [{"sum": {"bits_per_second": 1e9}}],
                  "end": {
                    "streams": [{"receiver": {"bits_per_second": 2e9}}],
                    "sum_sent": {"start": 0, "end": 1.0, "bits_per_second": 19000000000.5, "sender": true},
                    "sum_received": {
                      "start": 0,
                      "bytes": 2312110080,
                      "bits_per_second": 18465872641.25,
                      "sender": true
                    }
                  }
                }
                """;

        assertThat(Iperf3Output.gigabits(json)).isCloseTo(18.46587, within(1e-4));
    }

    @Test
    void saysWhatIperf3SaidInstead() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Iperf3Output.gigabits("{\"error\": \"unable to connect to server\"}"))
                .withMessageContaining("unable to connect to server");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Iperf3Output.gigabits("{\"end\": {}}"))
                .withMessageContaining("has not said");
    }

    @Test
    void countsSocketsByState() {
        SocketStates states = SocketStates.parse("""
                LISTEN    0 4096            0.0.0.0:22         0.0.0.0:*
                TIME-WAIT 0 0      10.78.1.1:40036  10.78.1.2:8080
                LAST-ACK  1 1      10.78.1.1:40038  10.78.1.2:8080
                TIME-WAIT 0 0      10.78.1.1:40040  10.78.1.2:8080

                """);

        assertThat(states.counts()).isEqualTo(Map.of("LISTEN", 1, "LAST-ACK", 1, "TIME-WAIT", 2));
        assertThat(states.count("TIME-WAIT")).isEqualTo(2);
        assertThat(states.count("FIN-WAIT-1")).isZero();
        assertThat(SocketStates.parse("").counts()).isEmpty();
    }

    @Test
    void readsTheTimeOfAProcess() {
        String stat = "4711 (a) (name)) S 1 4711 4711 0 -1 4194560 2 3 4 5 1234 66 7 8 20 0 19 0 100 200 300";

        assertThat(ProcFiles.cpuSeconds(stat)).isEqualTo(13.00);
    }

    @Test
    void readsTheTimeOfTheMachine() {
        // user, nice, system, idle, iowait, irq, softirq, steal
        String stat = "cpu  100 200 300 5000 6000 10 20 7000 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";

        assertThat(ProcFiles.machineCpuSeconds(stat)).isEqualTo(6.30);
    }

    @Test
    void readsMemory() {
        String text = "MemFree:  20 kB\nSlab:            1234 kB\nSReclaimable: 7 kB\n";

        assertThat(ProcFiles.bytes(text, "Slab")).isEqualTo(1234 * 1024);
        assertThatIllegalArgumentException().isThrownBy(() -> ProcFiles.bytes(text, "VmRSS"));
    }

    @Test
    void readsHowLongAResponseIs() {
        String head = "HTTP/1.1 200 OK\r\nContent-Length:  600 \r\nx: y\r\n\r\n";

        assertThat(RateRun.responseLength(head + "body")).isEqualTo(head.length() + 600);
        assertThat(RateRun.responseLength(head.substring(0, head.length() - 1))).isZero();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RateRun.responseLength("HTTP/1.1 200 OK\r\nx: y\r\n\r\n"))
                .withMessageContaining("without a length");
    }

    @Test
    void readsAnswersOfItsOwnProcesses() {
        assertThat(ControlledProcess.parse("ok a=1 b=x=y")).isEqualTo(Map.of("a", "1", "b", "x=y"));
        assertThat(ControlledProcess.parse("ok")).isEmpty();
        assertThat(ControlledProcess.parse("error it broke")).isNull();
    }

    @Test
    void namesWhatIsMissingAndItsPackage() {
        assertThat(Tools.missing(Map.of("sh", "dash"), System.getenv("PATH"))).isEmpty();
        assertThat(Tools.missing(Map.of("wrk", "wrk-package"), "/nowhere:/none"))
                .isEqualTo(List.of("the program wrk is missing; install it (Debian: apt-get install wrk-package)"));
    }
}
