/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import io.isla.netty.examples.http.AccessLog;
import io.isla.netty.examples.http.HttpServer;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneId;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code isla http}: a static file server. */
@Command(name = "http", description = "Serves files over HTTP/1.1.", mixinStandardHelpOptions = true)
final class HttpCommand implements Callable<Integer> {

    @Mixin
    private TransportOptions transportOptions;

    @Option(
            names = "--root",
            paramLabel = "DIR",
            description = "The directory to serve. Without it, there is a built-in page.")
    private Path root;

    @Option(
            names = "--upload-dir",
            paramLabel = "DIR",
            description = "Store what is sent with PUT to /upload/NAME in this directory. Off by default.")
    private Path uploads;

    @Option(names = "--port", paramLabel = "PORT", description = "The port to listen on. Default: ${DEFAULT-VALUE}.")
    private int port = 80;

    @Option(names = "--quiet", description = "Do not log requests.")
    private boolean quiet;

    @Option(
            names = "--counters",
            description =
                    "With Isla: show at the end what the host has counted, by the names of /proc/net/snmp and netstat.")
    private boolean counters;

    @Override
    public Integer call() throws Exception {
        TransportOptions.port(port);
        requireDirectory("--root", root);
        requireDirectory("--upload-dir", uploads);
        AccessLog log = new AccessLog(quiet ? null : System.out, Clock.systemUTC(), ZoneId.systemDefault());
        Transport transport = transportOptions.open();
        HttpServer server;
        try {
            server = HttpServer.start(
                    transport.group(),
                    transport.serverChannel(),
                    new InetSocketAddress(transport.address(), port),
                    new HttpServer.Content(root, uploads, transport.description()),
                    log);
        } catch (Exception e) {
            transport.close();
            log.close();
            throw e;
        }
        Server.reportErrors(server.closeFuture().channel());
        String url = "http://"
                + Server.authority(transport.shownAddress(), server.address().getPort(), 80) + "/";
        System.out.println("Serving " + (root == null ? "the built-in page" : root) + " at " + url + ", over "
                + transport.description());
        System.out.println("    curl -v " + url);
        if (uploads != null) {
            System.out.println("    curl -T FILE " + url + "upload/");
        }
        System.out.println("Ctrl-C stops the server.");
        return Server.await(server.closeFuture(), () -> {
            server.close();
            if (counters) {
                new TreeMap<>(transport.counters()).forEach((name, value) -> {
                    if (value != 0) {
                        System.out.println(name + " " + value);
                    }
                });
            }
            transport.close();
            log.close();
            System.out.println("Answered " + log.requests() + " requests.");
        });
    }

    private static void requireDirectory(String option, Path path) {
        if (path != null && !Files.isDirectory(path)) {
            throw new IllegalArgumentException(option + ": there is no directory " + path);
        }
    }
}
