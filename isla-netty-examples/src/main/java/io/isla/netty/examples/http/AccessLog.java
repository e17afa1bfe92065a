/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * Writes a line for each request in the Common Log Format. The writing is done by a thread of its own: a terminal that
 * is stopped must not stop an event loop. A line for which there is no room is counted and not written.
 */
public final class AccessLog implements AutoCloseable {

    private static final int CAPACITY = 8192;
    private static final int CLOSE_SECONDS = 5;
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ROOT);

    private final BlockingQueue<Entry> entries = new ArrayBlockingQueue<>(CAPACITY);
    private final LongAdder dropped = new LongAdder();
    private final LongAdder requests = new LongAdder();
    private final PrintStream out;
    private final InstantSource clock;
    private final ZoneId zone;
    private final Thread writer;

    private record Entry(long millis, SocketAddress client, String request, int status, long bytes) {}

    /** After this one, there are no more. */
    private static final Entry END = new Entry(0, null, "", 0, 0);

    /**
     * @param out where lines are written; {@code null} to count requests only
     * @param clock tells the time of a request
     * @param zone in which the time is written
     */
    public AccessLog(PrintStream out, InstantSource clock, ZoneId zone) {
        this.out = out;
        this.clock = clock;
        this.zone = zone;
        writer = new Thread(this::write, "access-log");
        writer.setDaemon(true);
        if (out != null) {
            writer.start();
        }
    }

    /**
     * Logs an answered request. Any thread; never blocks.
     *
     * @param client who sent it
     * @param bytes length of the content that was sent; -1 if it was not sent completely
     */
    void log(SocketAddress client, HttpRequest request, HttpResponseStatus status, long bytes) {
        requests.increment();
        if (out == null) {
            return;
        }
        String line = request.decoderResult().isFailure()
                ? "-"
                : request.method() + " " + request.uri() + " " + request.protocolVersion();
        if (!entries.offer(new Entry(clock.millis(), client, line, status.code(), bytes))) {
            dropped.increment();
        }
    }

    /** How many requests were answered. Any thread. */
    public long requests() {
        return requests.sum();
    }

    private void write() {
        try {
            for (Entry entry = entries.take(); entry != END; entry = entries.take()) {
                out.println(format(entry));
                long lost = dropped.sumThenReset();
                if (lost > 0) {
                    out.println("# " + lost + " requests not logged: they came faster than they could be written");
                }
            }
            out.flush();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private String format(Entry entry) {
        String host = entry.client instanceof InetSocketAddress address && address.getAddress() != null
                ? address.getAddress().getHostAddress()
                : "-";
        String time = TIME.format(Instant.ofEpochMilli(entry.millis).atZone(zone));
        return host + " - - [" + time + "] \"" + escape(entry.request) + "\" " + entry.status + " "
                + (entry.bytes < 0 ? "-" : Long.toString(entry.bytes));
    }

    /** What a client sends must not be able to end a line, or to move a terminal's cursor. */
    static String escape(String text) {
        StringBuilder escaped = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c > '~') {
                escaped.append(String.format(c < 0x100 ? "\\x%02x" : "\\u%04x", (int) c));
            } else if (c == '"' || c == '\\') {
                escaped.append('\\').append(c);
            } else {
                escaped.append(c);
            }
        }
        return escaped.toString();
    }

    /** Writes what there is, and stops; gives up after some seconds if it cannot be written. */
    @Override
    public void close() {
        if (out == null) {
            return;
        }
        try {
            if (entries.offer(END, CLOSE_SECONDS, TimeUnit.SECONDS)) {
                writer.join(TimeUnit.SECONDS.toMillis(CLOSE_SECONDS));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
