/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * Requests at a constant rate. Each has a time at which it is to be sent, whatever became of those before it, and its latency is
 * counted from that time: a server that pauses is not spared the requests that it kept from being sent (coordinated omission). All on one
 * event loop.
 */
final class RateRun {
    private static final long MAX_LATENCY_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final int SIGNIFICANT_DIGITS = 3;
    /** How long after the last request answers are waited for. */
    private static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos(2);

    private static final int MAX_HEAD = 8192;
    private static final ByteBuf REQUEST = Unpooled.unreleasableBuffer(Unpooled.directBuffer()
            .writeBytes("GET / HTTP/1.1\r\nhost: isla\r\n\r\n".getBytes(StandardCharsets.US_ASCII))
            .asReadOnly());

    private final EventLoop loop;
    private final List<Connection> connections = new ArrayList<>();
    private final Histogram latencies = new Histogram(MAX_LATENCY_NANOS, SIGNIFICANT_DIGITS);
    private final CompletableFuture<Result> result = new CompletableFuture<>();
    private final double intervalNanos;
    private final long requests;
    private final long warmUpRequests;
    private long start;
    private long due;
    private long answered;
    private long lastAnswer;
    private int failed;

    /**
     * What came of it.
     *
     * @param latencies in nanoseconds, of the requests after the warm-up; of those never answered, how long they have waited
     * @param answered requests after the warm-up that were answered
     * @param rate answers per second after the warm-up
     * @param errors connections that were lost
     * @param unanswered requests after the warm-up that were not answered
     */
    record Result(Histogram latencies, long answered, double rate, int errors, long unanswered) {}

    private RateRun(EventLoop loop, double rate, double warmUpSeconds, double seconds) {
        this.loop = loop;
        intervalNanos = 1e9 / rate;
        warmUpRequests = Math.round(rate * warmUpSeconds);
        requests = warmUpRequests + Math.max(1, Math.round(rate * seconds));
    }

    /**
     * Sends requests, and waits for the answers.
     *
     * @param bootstrap connects to the server from one event loop, without a handler so far
     * @param connections over which requests are spread, one after the other
     * @param rate requests per second, of all connections
     * @param warmUpSeconds how long to send requests before they count
     * @param seconds how long to send requests that count
     */
    static Result run(Bootstrap bootstrap, int connections, double rate, double warmUpSeconds, double seconds)
            throws Exception {
        RateRun run = new RateRun(bootstrap.config().group().next(), rate, warmUpSeconds, seconds);
        for (int i = 0; i < connections; i++) {
            Connection connection = run.new Connection(i);
            bootstrap.clone().handler(connection).connect().sync();
            run.connections.add(connection);
        }
        try {
            run.loop.execute(run::begin);
            return run.result.get((long) (warmUpSeconds + seconds) + 30, TimeUnit.SECONDS);
        } finally {
            for (Connection connection : run.connections) {
                connection.channel.close().sync();
            }
        }
    }

    private void begin() {
        start = System.nanoTime();
        lastAnswer = start;
        send();
    }

    private long timeOf(long request) {
        return start + (long) (request * intervalNanos);
    }

    /** Sends what is due, and comes back when the next is. */
    private void send() {
        long now = System.nanoTime();
        while (due < requests && timeOf(due) <= now) {
            connections.get((int) (due++ % connections.size())).due();
        }
        if (due < requests) {
            loop.schedule(this::send, timeOf(due) - now, TimeUnit.NANOSECONDS);
        } else {
            loop.schedule(this::end, GRACE_NANOS, TimeUnit.NANOSECONDS);
        }
    }

    private void answered(long request) {
        long now = System.nanoTime();
        if (request >= warmUpRequests) {
            record(now - timeOf(request));
            answered++;
            lastAnswer = now;
        }
        if (answered == requests - warmUpRequests) {
            end();
        }
    }

    private void record(long latency) {
        latencies.recordValue(Math.max(1, Math.min(latency, MAX_LATENCY_NANOS)));
    }

    private void end() {
        if (result.isDone()) {
            return;
        }
        long unanswered = 0;
        long now = System.nanoTime();
        for (Connection connection : connections) {
            for (long request = connection.next; request < requests; request += connections.size()) {
                if (request >= warmUpRequests) {
                    record(now - timeOf(request));
                    unanswered++;
                }
            }
        }
        double seconds = (lastAnswer - timeOf(warmUpRequests)) / 1e9;
        double rate = answered == 0 ? 0 : answered / seconds;
        result.complete(new Result(latencies, answered, rate, failed, unanswered));
    }

    /** One connection: every n-th request is its own, and it has one under way at a time. */
    private final class Connection extends ChannelInboundHandlerAdapter {
        private Channel channel;
        /** The request that is under way, or the next one. */
        private long next;

        private long waiting;
        private boolean underWay;
        private int responseLength;
        private int got;
        private ByteBuf head;

        Connection(int index) {
            next = index;
        }

        @Override
        public void handlerAdded(ChannelHandlerContext ctx) {
            channel = ctx.channel();
        }

        void due() {
            waiting++;
            if (!underWay) {
                send();
            }
        }

        private void send() {
            if (waiting > 0 && channel.isActive()) {
                waiting--;
                underWay = true;
                channel.writeAndFlush(REQUEST.duplicate(), channel.voidPromise());
            }
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) throws IOException {
            ByteBuf bytes = (ByteBuf) message;
            try {
                got += bytes.readableBytes();
                if (responseLength == 0) {
                    learnLength(bytes);
                }
                if (responseLength > 0 && got >= responseLength) {
                    got -= responseLength;
                    underWay = false;
                    long request = next;
                    next += connections.size();
                    answered(request);
                    send();
                }
            } finally {
                ReferenceCountUtil.release(message);
            }
        }

        /** The first response is read; the others are as long. */
        private void learnLength(ByteBuf bytes) throws IOException {
            head = head == null ? Unpooled.buffer() : head;
            head.writeBytes(bytes);
            responseLength = responseLength(head.toString(StandardCharsets.US_ASCII));
            if (responseLength == 0 && head.readableBytes() > MAX_HEAD) {
                throw new IOException("no answer as expected: " + head.toString(StandardCharsets.US_ASCII));
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            failed += result.isDone() ? 0 : 1;
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            System.err.println("a connection failed: " + cause);
            ctx.close();
        }
    }

    /** How long a response is in all, in bytes, of its beginning; 0 if that is not enough to tell. */
    static int responseLength(String beginning) {
        int end = beginning.indexOf("\r\n\r\n");
        if (end < 0) {
            return 0;
        }
        for (String line : beginning.substring(0, end).split("\r\n")) {
            if (line.regionMatches(true, 0, "content-length:", 0, 15)) {
                return end + 4 + Integer.parseInt(line.substring(15).strip());
            }
        }
        throw new IllegalArgumentException("a response without a length: " + beginning);
    }
}
