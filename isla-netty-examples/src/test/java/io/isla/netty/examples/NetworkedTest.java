/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.testing.KernelTest;
import io.isla.netty.testing.Programs;
import io.isla.netty.testing.RequiresProgram;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The programs on a network that has dnsmasq for addresses and names. */
@KernelTest
@RequiresProgram({"dnsmasq", "curl"})
@Timeout(120)
class NetworkedTest {
    private static final String DEVICE = "lan0";
    private static final String KERNEL = "10.85.0.1";

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path directory;

    private Programs.Running dnsmasq;

    @BeforeEach
    void startServer() throws Exception {
        ip("tuntap", "add", "mode", "tap", "name", DEVICE);
        ip("address", "add", KERNEL + "/24", "dev", DEVICE);
        ip("link", "set", DEVICE, "up");
        dnsmasq = Programs.start(
                line -> line.contains("started, "),
                "dnsmasq",
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--log-facility=-",
                "--user=root",
                "--pid-file=",
                "--no-resolv",
                "--no-hosts",
                "--no-ping",
                "--dhcp-authoritative",
                "--interface=" + DEVICE,
                "--except-interface=lo",
                "--bind-interfaces",
                "--dhcp-leasefile=" + directory.resolve("leases"),
                "--dhcp-range=10.85.0.50,10.85.0.59,255.255.255.0,1h",
                "--dhcp-option=option:domain-search,example.test",
                "--local=/example.test/",
                "--local-ttl=300",
                "--host-record=machine.example.test," + KERNEL,
                "--host-record=two.example.test,192.0.2.1",
                "--host-record=two.example.test,192.0.2.2");
    }

    @AfterEach
    void stopServer() throws Exception {
        if (dnsmasq != null) {
            dnsmasq.close();
        }
        ip("link", "delete", DEVICE);
    }

    private static void ip(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("ip"));
        command.addAll(List.of(arguments));
        Programs.Result result = Programs.run(command.toArray(String[]::new));
        assertThat(result.status()).as(result.errors()).isZero();
    }

    private int run(String... arguments) {
        return Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }

    @Test
    void servesAtTheAddressThatDhcpGives() throws Exception {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        Programs.Running server = Programs.start(
                line -> line.startsWith("Serving "),
                java,
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "http",
                "--dhcp",
                "--tap",
                DEVICE);
        try {
            // A JDK may have something to say of JNA before.
            assertThat(server.output()).contains("Isla has the address 10.85.0.5");
            String url = server.readyLine().replaceAll(".* at (http://\\S+),.*", "$1");
            assertThat(url).startsWith("http://10.85.0.5");

            Programs.Result page = Programs.run("curl", "-s", "-S", "-m", "10", url);

            assertThat(page.text()).as(page.errors()).contains("It works.");
        } finally {
            server.close();
        }
        dnsmasq.awaitLine(line -> line.contains("DHCPRELEASE(" + DEVICE + ")"));
    }

    @Test
    void resolvesAndGetsByName() throws Exception {
        assertThat(run(
                        "resolve",
                        "--tap",
                        DEVICE,
                        "--address",
                        "10.85.0.2/24",
                        "--host-address",
                        KERNEL + "/24",
                        "--name-server",
                        KERNEL,
                        "two.example.test",
                        "none.example.test"))
                .isEqualTo(1);
        assertThat(out.toString().lines().map(line -> line.replaceAll(" +", " ")))
                .containsExactlyInAnyOrder("192.0.2.1 two.example.test", "192.0.2.2 two.example.test");
        assertThat(err.toString()).contains("none.example.test");

        Path served = Files.writeString(directory.resolve("a.txt"), "content");
        Path got = directory.resolve("got");
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        try (Programs.Running server = Programs.start(
                line -> line.startsWith("Serving "),
                java,
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "http",
                "--transport",
                "nio",
                "--port",
                "8085",
                "--root",
                directory.toString())) {
            assertThat(server.readyLine()).isNotBlank();
            assertThat(run(
                            "get",
                            "--tap",
                            DEVICE,
                            "--dhcp",
                            "-o",
                            got.toString(),
                            "http://machine:8085/" + served.getFileName()))
                    .as(err.toString())
                    .isZero();
        }
        assertThat(got).hasContent("content");
    }

    @Test
    void saysThatThereIsNobodyToAsk() {
        assertThat(run(
                        "resolve",
                        "--tap",
                        DEVICE,
                        "--address",
                        "10.85.0.2/24",
                        "--host-address",
                        KERNEL + "/24",
                        "two"))
                .isEqualTo(1);

        assertThat(err.toString()).contains("two", "no name server");
    }
}
