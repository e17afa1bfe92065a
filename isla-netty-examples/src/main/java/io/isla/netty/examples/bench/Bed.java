/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Where one server is measured: network namespaces of its own, the server's process, and a client's. A server on a TAP device lives in the
 * client's namespace, in which the kernel has the other end; one on the kernel's TCP has a namespace, and a veth pair leads to it.
 */
final class Bed implements AutoCloseable {
    static final int PORT = 8080;
    static final int BARE_PORT = PORT + 1;

    private static final int SOURCES = 8;
    private static final int FIRST_SOURCE = 10;
    private static final int FILES = 262_144;
    /** Files that a process has open beside its connections, at most. */
    private static final int OTHER_FILES = 1000;

    private static final String RAISE_FILES = "ulimit -n " + FILES + " 2>/dev/null || ulimit -n \"$(ulimit -H -n)\"; ";
    private static final String DEVICE = "isla0";
    private static final int POLL_MILLIS = 50;
    private static final Duration COMMAND_LIMIT = Duration.ofSeconds(20);
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(60);

    private final ServerKind kind;
    private final Children children;
    private final Path directory;
    private final JavaProgram java;
    private final Plan plan;
    private final int files;
    private final String network;
    private final String clientNamespace;
    private final String serverNamespace;
    private final List<String> namespaces = new ArrayList<>();
    private ControlledProcess server;
    private ControlledProcess client;
    /** Further clients, for more connections than one process may have. */
    private final List<ControlledProcess> holders = new ArrayList<>();

    private Process iperf;

    /**
     * Describes it; nothing is made yet.
     *
     * @param number 1 to 254, different for each
     * @param directory for the processes' logs
     * @param plan how servers are set up
     * @param files how many files a process may have open
     */
    Bed(ServerKind kind, int number, Children children, Path directory, JavaProgram java, Plan plan, int files) {
        this.kind = kind;
        this.children = children;
        this.directory = directory;
        this.java = java;
        this.plan = plan;
        this.files = files;
        network = "10.78." + number + ".";
        String name = "isla-bench-" + ProcessHandle.current().pid() + "-" + kind.label();
        clientNamespace = name + "-c";
        serverNamespace = kind.isOnTap() ? clientNamespace : name + "-s";
    }

    ServerKind kind() {
        return kind;
    }

    /** The server's address. */
    String address() {
        return network + 2;
    }

    /** Makes the namespaces, and starts the client. */
    void open() throws IOException, InterruptedException {
        addNamespace(clientNamespace);
        if (!kind.isOnTap()) {
            addNamespace(serverNamespace);
            ip("link add c0 netns " + clientNamespace + " type veth peer name s0 netns " + serverNamespace);
            ip("-n " + serverNamespace + " addr add " + address() + "/24 dev s0");
            ip("-n " + serverNamespace + " link set s0 up");
            ip("-n " + clientNamespace + " addr add " + network + "1/24 dev c0");
            ip("-n " + clientNamespace + " link set c0 up");
            setCongestionControl(serverNamespace, "s0", address());
            setCongestionControl(clientNamespace, "c0", network + "1");
            addSources("c0");
        }
        // So that the kernel's limits are not what is measured.
        settings(clientNamespace, Map.of("ip_local_port_range", "1024 65535", "tcp_tw_reuse", "1"));
        settings(serverNamespace, Map.of("tcp_max_syn_backlog", "65535", "../core/somaxconn", "65535"));
        if (kind != ServerKind.IPERF3) {
            client = startClient("");
        }
    }

    private ControlledProcess startClient(String suffix) throws IOException, InterruptedException {
        ControlledProcess process = new ControlledProcess(
                children,
                kind + "-client" + suffix,
                directory,
                inNamespace(clientNamespace, java.command("bench-client")));
        process.awaitReady();
        return process;
    }

    private void addNamespace(String name) throws IOException, InterruptedException {
        ip("netns add " + name);
        namespaces.add(name);
        ip("-n " + name + " link set lo up");
    }

    /** Addresses to connect from beside the first: a port and an address are good for one connection to a server. */
    private void addSources(String device) throws IOException, InterruptedException {
        for (int i = 0; i < SOURCES; i++) {
            ip("-n " + clientNamespace + " addr add " + network + (FIRST_SOURCE + i) + "/24 dev " + device);
        }
    }

    private void settings(String namespace, Map<String, String> values) throws IOException, InterruptedException {
        String script = values.entrySet().stream()
                .map(entry -> "echo " + entry.getValue() + " > /proc/sys/net/ipv4/" + entry.getKey())
                .collect(Collectors.joining(" && "));
        run(namespace, COMMAND_LIMIT, List.of("sh", "-c", script));
    }

    private void ip(String arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("ip"));
        command.addAll(Arrays.asList(arguments.split(" ")));
        children.run(COMMAND_LIMIT, command);
    }

    /** Starts a server whose heap is there in full at once: what the kernel takes to provide its pages, one by one, is not what is measured. */
    void startServer() throws IOException, InterruptedException {
        startServer(List.of("-XX:+AlwaysPreTouch"));
    }

    /** Starts a server as anybody would, waits until it answers, and returns how long that has taken, in nanoseconds. */
    long startPlainServer() throws IOException, InterruptedException {
        return startServer(List.of());
    }

    private long startServer(List<String> javaDefaults) throws IOException, InterruptedException {
        long start = System.nanoTime();
        if (kind == ServerKind.IPERF3) {
            List<String> command = inNamespace(serverNamespace, List.of("iperf3", "--server", "--port", "" + PORT));
            iperf = children.start(new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD));
            awaitIperf();
            return System.nanoTime() - start;
        }
        List<String> arguments =
                new ArrayList<>(List.of("bench-server", "--port", "" + PORT, "--threads", "" + plan.loops()));
        if (kind.isOnTap()) {
            arguments.addAll(List.of("--tap", DEVICE, "--host-address", network + "1/24"));
        }
        arguments.addAll(List.of("--address", address() + (kind.isOnTap() ? "/24" : "")));
        arguments.addAll(kind.options());
        server = new ControlledProcess(
                children,
                kind + "-server",
                directory,
                inNamespace(serverNamespace, java.command(javaDefaults, arguments.toArray(String[]::new))));
        // The client begins to ask at once: that the server has said it is ready may be earlier than its first answer,
        // or later.
        client.send("probe", address(), PORT);
        server.awaitReady();
        client.await(ANSWER_LIMIT, "probe");
        long taken = System.nanoTime() - start;
        if (kind.isOnTap()) {
            setCongestionControl(clientNamespace, DEVICE, network + "1");
            addSources(DEVICE);
        }
        return taken;
    }

    /**
     * Has the kernel's TCP use a congestion control over a device. By the route: where this machine's default is another, a namespace may not choose.
     */
    private void setCongestionControl(String namespace, String device, String source)
            throws IOException, InterruptedException {
        ip("-n " + namespace + " route change " + network + "0/24 dev " + device + " proto kernel scope link src "
                + source + " congctl " + plan.congestionControl());
    }

    private void awaitIperf() throws IOException, InterruptedException {
        long deadline = System.nanoTime() + COMMAND_LIMIT.toNanos();
        while (!run(serverNamespace, COMMAND_LIMIT, List.of("ss", "-Hltn")).contains(":" + PORT + " ")) {
            if (!iperf.isAlive() || System.nanoTime() - deadline > 0) {
                throw new IOException("iperf3 does not listen");
            }
            Thread.sleep(POLL_MILLIS);
        }
    }

    /** Starts server and client anew, after one of them has failed. */
    void restart() throws IOException, InterruptedException {
        stopServer();
        stopClients();
        if (kind != ServerKind.IPERF3) {
            client = startClient("");
        }
        startServer();
    }

    private void stopClients() {
        if (client != null) {
            client.close();
            client = null;
        }
        holders.forEach(ControlledProcess::close);
        holders.clear();
    }

    /** Stops the server, if there is one. */
    void stopServer() {
        if (server != null) {
            server.close();
            server = null;
        }
        if (iperf != null) {
            Children.stop(List.of(iperf));
            iperf = null;
        }
    }

    boolean isServing() {
        return server != null || iperf != null;
    }

    /** The server's process. */
    ControlledProcess server() {
        return server;
    }

    /** Asks the server. */
    Map<String, String> askServer(Object... words) throws IOException, InterruptedException {
        return server.ask(ANSWER_LIMIT, words);
    }

    /** Asks the client that is not wrk. */
    Map<String, String> askClient(Object... words) throws IOException, InterruptedException {
        return client.ask(ANSWER_LIMIT, words);
    }

    /** How many files a process may have open: root may often, but not everywhere, have more than it is given. */
    static int maxFiles(Children children) throws IOException, InterruptedException {
        String said = children.run(COMMAND_LIMIT, List.of("sh", "-c", RAISE_FILES + "ulimit -n"));
        return said.strip().equals("unlimited") ? FILES : Integer.parseInt(said.strip());
    }

    /** Whether the server can have so many connections: of the kernel's, each is a file. */
    boolean canServe(int connections) {
        return kind.isOnTap() || connections <= files - OTHER_FILES;
    }

    /** Opens idle connections to a port of the server, from as many processes as it takes. */
    void hold(int connections, int port) throws IOException, InterruptedException {
        int left = connections;
        int each = files - OTHER_FILES;
        while (left > 0) {
            ControlledProcess holder = client;
            if (left < connections) {
                holder = startClient("-" + (holders.size() + 1));
                holders.add(holder);
            }
            int some = Math.min(each, left);
            holder.ask(ANSWER_LIMIT, "hold", address(), port, some, sources());
            left -= some;
        }
    }

    /** How many of the idle connections are open. */
    int held() throws IOException, InterruptedException {
        int held = Integer.parseInt(askClient("holding").get("connections"));
        for (ControlledProcess holder : holders) {
            held += Integer.parseInt(holder.ask(ANSWER_LIMIT, "holding").get("connections"));
        }
        return held;
    }

    /** Closes the idle connections. */
    void letGo() throws IOException, InterruptedException {
        askClient("let-go");
        for (ControlledProcess holder : holders) {
            holder.ask(ANSWER_LIMIT, "let-go");
            holder.close();
        }
        holders.clear();
    }

    /** Addresses to connect from, with commas between. */
    private String sources() {
        return IntStream.range(0, SOURCES)
                .mapToObj(i -> network + (FIRST_SOURCE + i))
                .collect(Collectors.joining(","));
    }

    /** Runs a command in the client's namespace. */
    String runInClient(Duration limit, List<String> command) throws IOException, InterruptedException {
        return run(clientNamespace, limit, command);
    }

    /** How many of the client's sockets are in each state. */
    SocketStates clientSockets() throws IOException, InterruptedException {
        return SocketStates.parse(run(clientNamespace, COMMAND_LIMIT, List.of("ss", "-Htan")));
    }

    private String run(String namespace, Duration limit, List<String> command)
            throws IOException, InterruptedException {
        return children.run(limit, inNamespace(namespace, command));
    }

    private static List<String> inNamespace(String namespace, List<String> command) {
        // Tens of thousands of connections are as many files.
        String script = RAISE_FILES + "exec \"$@\"";
        List<String> all = new ArrayList<>(List.of("sh", "-c", script, "sh", "ip", "netns", "exec", namespace));
        all.addAll(command);
        return all;
    }

    /** Ends the processes and removes the namespaces. */
    @Override
    public void close() {
        stopServer();
        stopClients();
        removeNamespaces();
    }

    /** Removes the namespaces only; not through {@link Children}, which may be closed. */
    void removeNamespaces() {
        for (String namespace : namespaces) {
            try {
                new ProcessBuilder("ip", "netns", "del", namespace)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor();
            } catch (IOException e) {
                System.err.println("isla: cannot remove the network namespace " + namespace + ": " + e.getMessage());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        namespaces.clear();
    }
}
