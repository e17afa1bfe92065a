/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.util.Locale;

/** A kind of work that is measured, in the order in which it is done. */
public enum Workload {
    CLOSE("a connection for each request (Connection: close), 64 at a time", 64, Kind.HTTP),
    KEEP_1("keep-alive, 1 connection", 1, Kind.HTTP),
    KEEP_64("keep-alive, 64 connections", 64, Kind.HTTP),
    KEEP_1000("keep-alive, 1,000 connections", 1000, Kind.HTTP),
    PIPELINED("16 requests at a time on each of 64 connections", 64, Kind.HTTP),
    IDLE_10000("keep-alive, 64 connections, beside 10,000 idle ones", 10_000, Kind.BESIDE_IDLE),
    DOWNLOAD_1("download, 1 stream", 1, Kind.BULK),
    DOWNLOAD_8("download, 8 streams", 8, Kind.BULK),
    DOWNLOAD_DEEP_1("download, 1 stream, from a channel that takes more at a time", 1, Kind.BULK),
    DOWNLOAD_DEEP_8("download, 8 streams, from channels that take more at a time", 8, Kind.BULK),
    UPLOAD_1("upload, 1 stream", 1, Kind.BULK),
    UPLOAD_8("upload, 8 streams", 8, Kind.BULK),
    LATENCY_1("constant rate, 1 connection", 1, Kind.LATENCY),
    LATENCY_HALF("constant rate, 64 connections, half of what epoll can do", 64, Kind.LATENCY),
    QUIET("no traffic", 0, Kind.QUIET),
    MEMORY_10000("10,000 idle connections", 10_000, Kind.MEMORY),
    MEMORY_50000("50,000 idle connections", 50_000, Kind.MEMORY),
    MEMORY_BARE_10000("10,000 idle connections without handlers", 10_000, Kind.MEMORY),
    MEMORY_BARE_50000("50,000 idle connections without handlers", 50_000, Kind.MEMORY),
    START_UP("from the start of the process to the first answer", 1, Kind.START_UP);

    /** What is done, apart from numbers. */
    enum Kind {
        /** {@code wrk} sends requests as fast as it can. */
        HTTP,
        /** The same, without and with idle connections. */
        BESIDE_IDLE,
        /** Bytes flow as fast as they can. */
        BULK,
        /** Requests are sent at a constant rate. */
        LATENCY,
        /** Nothing happens. */
        QUIET,
        /** Connections are held. Takes a server of its own. */
        MEMORY,
        /** Takes a server of its own. */
        START_UP
    }

    private final String description;
    private final int connections;
    private final Kind kind;

    Workload(String description, int connections, Kind kind) {
        this.description = description;
        this.connections = connections;
        this.kind = kind;
    }

    /** What is done, for people. */
    public String description() {
        return description;
    }

    /** How many connections are at work, or idle. */
    int connections() {
        return connections;
    }

    Kind kind() {
        return kind;
    }

    /** Whether the connections have no handlers. */
    boolean isBare() {
        return this == MEMORY_BARE_10000 || this == MEMORY_BARE_50000;
    }

    boolean isUpload() {
        return this == UPLOAD_1 || this == UPLOAD_8;
    }

    /** Whether the server's channels have the plan's high water mark, in place of Netty's own. */
    boolean isDeep() {
        return this == DOWNLOAD_DEEP_1 || this == DOWNLOAD_DEEP_8;
    }

    /** Whether a server can be measured so. */
    boolean suits(ServerKind server) {
        return switch (server) {
            case ISLA, ISLA_BLOCK, ISLA_SYSCALLS, ISLA_BATCHES, ISLA_NAPI, EPOLL, IO_URING -> true;
            case RAW ->
                kind == Kind.HTTP
                        || kind == Kind.BESIDE_IDLE
                        || kind == Kind.LATENCY
                        || kind == Kind.QUIET
                        || isUpload();
            case IPERF3 -> kind == Kind.BULK && !isDeep();
        };
    }

    /** The name as an option has it. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    @Override
    public String toString() {
        return label();
    }
}
