/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.EchoOptions;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.testing.RequiresProgram;
import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The programs with which people look at a host, behind a router. */
@KernelTest
@Timeout(120)
class ProgramPeersTest {
    /** As many errors as a host may get; it has had some from the tests before. */
    private static final String SLOWLY = "-n -q 2 -N 1 -z 1.1 ";

    private static RoutedHost isla;

    @BeforeAll
    static void open() throws Exception {
        isla = new RoutedHost(true);
        isla.echo();
    }

    @AfterAll
    static void close() throws Exception {
        isla.close();
    }

    @AfterEach
    void nobodyHasComplained() {
        isla.expectNoWarnings();
    }

    @ParameterizedTest
    @CsvSource({
        RoutedHost.ISLA + ", 56",
        RoutedHost.ISLA + ", 20000",
        RoutedHost.ISLA6 + ", 56",
        RoutedHost.ISLA6 + ", 20000"
    })
    @RequiresProgram("ping")
    void pingFindsIt(String address, int size) throws Exception {
        assertThat(isla.world.run(30, "ping -n -c 5 -i 0.05 -w 20 -s " + size + " " + address))
                // Or a late one.
                .containsPattern("[5-9] received");
    }

    @ParameterizedTest
    @ValueSource(strings = {RoutedHost.WORLD, RoutedHost.WORLD6})
    void itPingsTheWorld(String address) throws Exception {
        InetAddress to = InetAddress.getByName(address);
        assertThat(isla.host
                        .echo(to, EchoOptions.DEFAULT.withSize(20_000))
                        .get(20, TimeUnit.SECONDS)
                        .from())
                .isEqualTo(to);
    }

    @ParameterizedTest(name = "traceroute {0}")
    @ValueSource(
            strings = {
                SLOWLY + RoutedHost.ISLA,
                "-n -I " + RoutedHost.ISLA,
                "-n -T -p 7 " + RoutedHost.ISLA,
                "-n -T -p 8 " + RoutedHost.ISLA,
                SLOWLY + RoutedHost.ISLA6,
                "-n -I " + RoutedHost.ISLA6,
                "-n -T -p 7 " + RoutedHost.ISLA6
            })
    @RequiresProgram("traceroute")
    void tracerouteEndsWithIt(String options) throws Exception {
        boolean v4 = !options.contains(":");
        List<String> hops =
                isla.world.run(60, "traceroute -w 3 " + options).lines().skip(1).toList();

        assertThat(hops).as(String.join("\n", hops)).hasSize(2);
        assertThat(hops.get(0)).contains(v4 ? " 10.91.0.1 " : " fd91::1 ");
        assertThat(hops.get(1)).contains(v4 ? " " + RoutedHost.ISLA + " " : " " + RoutedHost.ISLA6 + " ");
    }

    @ParameterizedTest
    @ValueSource(strings = {RoutedHost.ISLA, "-6 " + RoutedHost.ISLA6})
    @RequiresProgram("nmap")
    void nmapSeesWhichTcpPortsAreOpenAndWhichAreClosed(String target) throws Exception {
        String output = isla.world.run(60, "nmap -n -Pn -sS -T4 -p 1-200 -oG - " + target);

        assertThat(output).contains("Ports: 7/open/tcp//echo///").contains("Ignored State: closed (199)");
    }

    @ParameterizedTest
    @ValueSource(strings = {RoutedHost.ISLA, "-6 " + RoutedHost.ISLA6})
    @RequiresProgram("nmap")
    void nmapSeesWhichUdpPortsAreOpenAndWhichAreClosed(String target) throws Exception {
        String output = isla.world.run(60, "nmap -n -Pn -sU -T4 -p 7,9,13 -oG - " + target);

        assertThat(output).contains("7/open/udp//echo///", "9/closed/udp", "13/closed/udp");
    }

    @Test
    @RequiresProgram("nmap")
    void survivesWhatNmapSendsToTellOneStackFromAnother() throws Exception {
        String output = isla.world.run(90, "nmap -n -Pn -sS -sU -O -T4 -p T:7,8,U:7,9 " + RoutedHost.ISLA);

        assertThat(output)
                .containsPattern("7/tcp +open")
                .containsPattern("8/tcp +closed")
                .contains("Network Distance: 2 hops")
                .contains("1 host up");
        // Each loop of it is as before.
        pingFindsIt(RoutedHost.ISLA, 56);
        for (int i = 0; i < 8; i++) {
            try (java.net.Socket socket = new java.net.Socket(RoutedHost.ISLA, RoutedHost.ECHO)) {
                socket.setSoTimeout(30_000);
                socket.getOutputStream().write('x');
                assertThat(socket.getInputStream().read()).isEqualTo('x');
            }
        }
    }

    @Test
    @RequiresProgram("nmap")
    void nmapSeesThatThePortsOfAStrangeScanAreClosed() throws Exception {
        // What answers no SYN: NULL, FIN and Xmas scans have a closed port answer with RST, an open one with silence
        // (RFC 9293 §3.10.7).
        for (String scan : List.of("-sN", "-sF", "-sX")) {
            String output = isla.world.run(60, "nmap -n -Pn " + scan + " -T4 -p 7,8 -oG - " + RoutedHost.ISLA);
            assertThat(output).as(scan).contains("7/open|filtered/tcp").contains("8/closed/tcp");
        }

        assertThat(isla.world.run(60, "nmap -n -Pn -sA -T4 -p 7,8 -oG - " + RoutedHost.ISLA))
                .containsPattern("7/unfiltered/tcp.*8/unfiltered/tcp");
    }
}
