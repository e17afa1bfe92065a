/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.testing.KernelTest;
import java.io.BufferedReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class MainTest {

    private static final Pattern PORT = Pattern.compile("://(?:[0-9.]+|\\[[0-9a-f:]+]):(\\d+)");

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path directory;

    @Test
    void helps() {
        assertThat(run("--help")).isZero();
        assertThat(out.toString()).contains("http", "echo", "get");
        assertThat(run("http", "--help")).isZero();
        assertThat(out.toString())
                .contains("--root", "--address", "--host-address", "--tap", "--port", "--threads", "--transport");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "serve",
                "http --threads x",
                "http --transport carrier-pigeon",
                "http --transport nio --port 99999",
                "http --transport nio --threads -1",
                "http --transport nio --address nowhere",
                "http --address 10.0.0.2",
                "http --address 10.0.0.2/33",
                "http --host-address 10.0.0.1/",
                "http --host-address 10.0.1.1/24",
                "http --address fd00::2/64 --host-address fd01::1/64",
                "http --address fd00::/64",
                "http --address 10.0.0.2/24,10.0.0.2/24",
                "http --host-address 10.0.0.2/24",
                "http --address 224.0.0.1/24",
                "http --port -1",
                "echo --port 65536",
                "reactor --port 65536",
                "http --tap a-name-that-is-too-long",
                "http --tun a-name-that-is-too-long",
                "http --tun one --tap other",
                "get",
                "get gopher://127.0.0.1/",
                "get ftp://name/",
                "resolve",
                "resolve --transport nio --name-server 127.0.0.1 localhost",
                "http --dhcp --tun tun0 --port 0",
                "http --name-server nowhere",
                "get --transport nio http:///",
                "ping",
                "ping name",
                "ping --transport nio 127.0.0.1",
                "ping -c -1 127.0.0.1",
                "ping -i 0 127.0.0.1",
                "ping -s 65508 127.0.0.1",
                "ping -t 0 127.0.0.1",
            })
    void saysWhatIsWrongWithArguments(String arguments) {
        assertThat(run(arguments.isEmpty() ? new String[0] : arguments.split(" ")))
                .isEqualTo(2);
        assertThat(err.toString()).isNotBlank().doesNotContain("\tat ");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 65536, 99999})
    void saysThatThePortInAUrlIsNotOne(int port) {
        assertThat(run("get", "--transport", "nio", "http://127.0.0.1:" + port + "/"))
                .isEqualTo(2);

        assertThat(err.toString().lines())
                .containsExactly(
                        "isla: the URL's port is not one to connect to: " + port + "; give one from 1 to 65535");
    }

    @Test
    void saysWhatItCannotServe() {
        String none = directory.resolve("none").toString();

        assertThat(run("http", "--transport", "nio", "--port", "0", "--root", none))
                .isEqualTo(2);
        assertThat(run("http", "--transport", "nio", "--port", "0", "--upload-dir", none))
                .isEqualTo(2);

        assertThat(err.toString().lines())
                .containsExactly(
                        "isla: --root: there is no directory " + none,
                        "isla: --upload-dir: there is no directory " + none);
    }

    @Test
    void saysThatThereIsNoServer() {
        assertThat(run("get", "--transport", "nio", "http://127.0.0.1:1/")).isEqualTo(1);

        assertThat(err.toString()).startsWith("isla: ").contains("refused").doesNotContain("\tat ");
    }

    @ParameterizedTest
    @EnumSource(
            value = Transport.Kind.class,
            names = {"NIO", "EPOLL"})
    void servesAndGetsOverTheKernelsTcp(Transport.Kind transport) throws Exception {
        List<String> options = List.of("--transport", transport.name().toLowerCase(Locale.ROOT));
        servesUntilItIsTold("127.0.0.1", "127.0.0.1", options, options);
    }

    @Test
    @KernelTest
    void servesAndGetsOverIsla() throws Exception {
        servesUntilItIsTold(
                "10.81.0.2",
                "10.81.0.1",
                List.of("--tap", "server0", "--address", "10.81.0.2/24", "--host-address", "10.81.0.1/24"),
                List.of("--transport", "nio"));
        assertThat(NetworkInterface.getByName("server0"))
                .as("the device that it created")
                .isNull();
    }

    @Test
    @KernelTest
    void servesOverIslaAndIpv6() throws Exception {
        servesUntilItIsTold(
                "[fd81::2]",
                "fd81:0:0:0:0:0:0:1",
                List.of("--tap", "server1", "--address", "fd81::2/64,10.83.0.2/24"),
                List.of("--transport", "nio"));
    }

    @Test
    @KernelTest
    void servesOverATun() throws Exception {
        servesUntilItIsTold(
                "10.84.0.2",
                "10.84.0.1",
                List.of("--tun", "server2", "--address", "10.84.0.2/24", "--host-address", "10.84.0.1/24"),
                List.of("--transport", "nio"));
    }

    @Test
    @KernelTest
    void getsOverIsla() throws Exception {
        servesUntilItIsTold(
                "127.0.0.1",
                "10.82.0.2",
                List.of("--transport", "nio"),
                List.of("--tap", "client0", "--address", "10.82.0.2/24", "--host-address", "10.82.0.1/24"));
    }

    private void servesUntilItIsTold(
            String address, String client, List<String> serverOptions, List<String> clientOptions) throws Exception {
        Files.writeString(directory.resolve("a.txt"), "content");
        List<String> arguments = new ArrayList<>(List.of("http", "--port", "0", "--root", directory.toString()));
        arguments.addAll(serverOptions);
        Process server = start(arguments);
        try (BufferedReader output = server.inputReader(StandardCharsets.UTF_8)) {
            String first = output.readLine();
            assertThat(first).startsWith("Serving " + directory + " at http://" + address + ":");
            String url = "http://" + address + ":" + port(first) + "/";
            assertThat(output.readLine()).isEqualTo("    curl -v " + url);
            if (clientOptions.contains("client0")) {
                // The server listens on all of the kernel's addresses; this one it has on the client's link.
                url = url.replace(address, "10.82.0.1");
            }

            Path got = directory.resolve("got");
            assertThat(get(clientOptions, "-o", got.toString(), url + "a.txt")).isZero();
            assertThat(got).hasContent("content");
            assertThat(err.toString()).startsWith("200, 7 bytes; connected after ");
            assertThat(get(clientOptions, "-o", got.toString(), url + "none")).isEqualTo(3);

            terminate(server);
            String rest = output.lines().collect(Collectors.joining("\n"));
            assertThat(rest)
                    .contains(client + " - - [", "\"GET /a.txt HTTP/1.1\" 200 7", "\"GET /none HTTP/1.1\" 404 ")
                    .endsWith("Answered 2 requests.");
        } finally {
            server.destroyForcibly();
        }
    }

    private int get(List<String> options, String... arguments) {
        List<String> all = new ArrayList<>(List.of("get"));
        all.addAll(options);
        all.addAll(Arrays.asList(arguments));
        return run(all.toArray(String[]::new));
    }

    @ParameterizedTest
    @KernelTest
    @CsvSource({"10.84.0.2/24, 10.84.0.1, 56, 56(84) bytes of data.", "fd84::2/64, fd84::1, 20000, 20000 data bytes"})
    void pingsTheKernel(String own, String kernel, int size, String length) {
        assertThat(run("ping", "--tap", "ping0", "--address", own, "-c", "3", "-i", "0.05", "-s", "" + size, kernel))
                .as(err.toString())
                .isZero();
        String[] lines = out.toString().split("\\R");
        assertThat(lines[0]).isEqualTo("PING " + kernel + " (" + kernel + ") " + length);
        for (int i = 1; i <= 3; i++) {
            assertThat(lines[i])
                    .matches(Pattern.quote((size + 8) + " bytes from " + kernel + ": icmp_seq=" + i + " ttl=64 time=")
                            + "[0-9.]+ ms");
        }
        assertThat(lines[5]).isEqualTo("--- " + kernel + " ping statistics ---");
        assertThat(lines[6]).matches("3 packets transmitted, 3 received, 0% packet loss, time \\d+ms");
        assertThat(lines[7]).matches("rtt min/avg/max/mdev = [0-9.]+/[0-9.]+/[0-9.]+/[0-9.]+ ms");
    }

    @Test
    @KernelTest
    void saysThatNobodyAnswers() {
        assertThat(run("ping", "--tap", "ping1", "--address", "10.85.0.2/24", "-c", "2", "-i", "0.05", "10.85.0.77"))
                .isEqualTo(1);
        assertThat(out.toString())
                .contains(
                        "From 10.85.0.2 icmp_seq=1 Destination Host Unreachable",
                        "From 10.85.0.2 icmp_seq=2 Destination Host Unreachable",
                        "2 packets transmitted, 0 received, +2 errors, 100% packet loss");
    }

    @Test
    @KernelTest
    void pingsUntilItIsTold() throws Exception {
        Process ping = start(List.of("ping", "--tap", "ping2", "--address", "10.86.0.2/24", "-i", "0.05", "10.86.0.1"));
        try (BufferedReader output = ping.inputReader(StandardCharsets.UTF_8)) {
            assertThat(output.readLine()).startsWith("PING 10.86.0.1");
            assertThat(output.readLine()).startsWith("64 bytes from 10.86.0.1: icmp_seq=1 ");
            ping.toHandle().destroy();
            assertThat(output.lines().collect(Collectors.joining("\n")))
                    .contains(" received, ", "rtt min/avg/max/mdev");
            assertThat(ping.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(ping.exitValue()).as("there were replies").isZero();
        } finally {
            ping.destroyForcibly();
        }
    }

    @Test
    void echoesUntilItIsTold() throws Exception {
        Process server = start(List.of("echo", "--transport", "nio", "--port", "0"));
        try (BufferedReader output = server.inputReader(StandardCharsets.UTF_8)) {
            String first = output.readLine();
            assertThat(first).startsWith("Echoing at telnet://127.0.0.1:");
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress("127.0.0.1", port(first)));
                socket.setSoTimeout(10_000);
                socket.getOutputStream().write(new byte[] {1, 2, 3});
                assertThat(socket.getInputStream().readNBytes(3)).containsExactly(1, 2, 3);

                terminate(server);
                assertThat(socket.getInputStream().read()).isEqualTo(-1);
            }
        } finally {
            server.destroyForcibly();
        }
    }

    /** Its end is that of everything that the server could be reached by. */
    @ParameterizedTest
    @KernelTest
    @ValueSource(strings = {"http", "echo"})
    void saysThatItsDeviceWasDeletedAndStops(String command) throws Exception {
        Process server = start(
                List.of(command, "--tap", "deleted0", "--address", "10.87.0.2/24", "--host-address", "10.87.0.1/24"),
                ProcessBuilder.Redirect.PIPE);
        try (BufferedReader output = server.inputReader(StandardCharsets.UTF_8);
                BufferedReader errors = server.errorReader(StandardCharsets.UTF_8)) {
            assertThat(output.readLine()).contains("10.87.0.2");

            assertThat(new ProcessBuilder("ip", "link", "delete", "deleted0")
                            .inheritIO()
                            .start()
                            .waitFor())
                    .isZero();

            assertThat(server.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(server.exitValue()).isEqualTo(1);
            assertThat(errors.lines())
                    .anyMatch(line -> line.startsWith("isla: ") && line.contains("deleted0 is gone"))
                    .last()
                    .isEqualTo("isla: the server's channel was closed; stopping");
        } finally {
            server.destroyForcibly();
        }
    }

    @Test
    @KernelTest
    void servesWithReactorNettyUntilItIsTold() throws Exception {
        Process server = start(List.of(
                "reactor",
                "--port",
                "0",
                "--tap",
                "reactive0",
                "--address",
                "10.85.0.2/24",
                "--host-address",
                "10.85.0.1/24"));
        try (BufferedReader output = server.inputReader(StandardCharsets.UTF_8)) {
            String first = output.readLine();
            assertThat(first).startsWith("Serving at http://10.85.0.2:").contains("Isla's own TCP/IP");
            URI uri = URI.create("http://10.85.0.2:" + port(first) + "/");

            // The JDK's client asks for an upgrade to HTTP/2.
            HttpResponse<String> response = HttpClient.newHttpClient()
                    .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
            assertThat(response.body()).isEqualTo("Hello 10.85.0.1, by HTTP/2.0.\n");

            terminate(server);
        } finally {
            server.destroyForcibly();
        }
    }

    private int run(String... arguments) {
        CommandLine command = Main.commandLine();
        command.setOut(new PrintWriter(out, true));
        command.setErr(new PrintWriter(err, true));
        return command.execute(arguments);
    }

    /** A process of its own: only that can be ended by a signal. */
    private static Process start(List<String> arguments) throws Exception {
        return start(arguments, ProcessBuilder.Redirect.INHERIT);
    }

    private static Process start(List<String> arguments, ProcessBuilder.Redirect errors) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+IgnoreUnrecognizedVMOptions",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        command.addAll(arguments);
        return new ProcessBuilder(command).redirectError(errors).start();
    }

    private static void terminate(Process process) throws InterruptedException {
        // Through the handle: Process.destroy() would close the output that is still to be read.
        process.toHandle().destroy();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as("ended by SIGTERM").isEqualTo(143);
    }

    private static int port(String line) {
        Matcher matcher = PORT.matcher(line);
        assertThat(matcher.find()).as(line).isTrue();
        return Integer.parseInt(matcher.group(1));
    }
}
