/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.ping;

import io.isla.netty.host.EchoReply;
import io.isla.netty.host.IcmpErrorException;
import io.netty.util.NetUtil;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.io.PrintWriter;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.util.concurrent.TimeUnit;

/** Sends echo requests at intervals, and prints what comes back. On its executor's thread, but for {@link #start} and {@link #stop}. */
public final class Pinger {
    /** Sends a request. */
    @FunctionalInterface
    public interface Echo {
        /** Sends one; the promise is completed with what comes of it. */
        void send(Promise<EchoReply> promise);
    }

    /**
     * How it is done.
     *
     * @param count how many requests; 0 for as many as there is time for
     * @param intervalNanos from one to the next
     * @param lingerNanos how long to wait for replies after the last; 0: as long again as it has taken so far
     * @param size bytes of data
     */
    public record Plan(int count, long intervalNanos, long lingerNanos, int size) {}

    /** What replies take at most if nothing is known of the path. */
    private static final long LONGEST_LINGER_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final EventExecutor executor;
    private final Echo echo;
    private final String address;
    private final boolean v4;
    private final Plan plan;
    private final PrintWriter out;
    private final PingStatistics statistics = new PingStatistics();
    private final Promise<PingStatistics> finished;
    private Future<?> sending;
    private int sequenceNumber;
    private int waiting;
    private long startedAt;

    /**
     * Prepares.
     *
     * @param executor of one thread; its clock counts
     */
    public Pinger(EventExecutor executor, Echo echo, InetAddress to, Plan plan, PrintWriter out) {
        this.executor = executor;
        this.echo = echo;
        this.plan = plan;
        this.out = out;
        address = NetUtil.toAddressString(to);
        v4 = to instanceof Inet4Address;
        finished = executor.newPromise();
    }

    /** Begins; the future is complete once all requests are sent and all replies are there, or not waited for any more. */
    public Future<PingStatistics> start() {
        executor.execute(() -> {
            String length = v4 ? plan.size + "(" + (plan.size + 28) + ") bytes of data." : plan.size + " data bytes";
            print("PING " + address + " (" + address + ") " + length);
            startedAt = executor.ticker().nanoTime();
            sending = executor.scheduleAtFixedRate(this::send, 0, plan.intervalNanos, TimeUnit.NANOSECONDS);
        });
        return finished;
    }

    /** Sends nothing more, and sums up what there is. */
    public void stop() {
        executor.execute(this::finish);
    }

    private void send() {
        if (finished.isDone()) {
            return;
        }
        int number = ++sequenceNumber;
        waiting++;
        statistics.sent();
        Promise<EchoReply> promise = executor.newPromise();
        promise.addListener(future -> received(number, promise));
        echo.send(promise);
        if (number == plan.count) {
            sending.cancel(false);
            executor.schedule(this::finish, linger(), TimeUnit.NANOSECONDS);
        }
    }

    private long linger() {
        if (plan.lingerNanos > 0) {
            return plan.lingerNanos;
        }
        return statistics.received() == 0
                ? LONGEST_LINGER_NANOS
                : Math.max(plan.intervalNanos, 2 * statistics.longestNanos());
    }

    private void received(int number, Promise<EchoReply> promise) {
        if (finished.isDone()) {
            return;
        }
        waiting--;
        Throwable cause = promise.cause();
        if (cause == null) {
            EchoReply reply = promise.getNow();
            statistics.reply(reply.roundTripNanos());
            print(reply.size() + 8 + " bytes from " + NetUtil.toAddressString(reply.from()) + ": icmp_seq=" + number
                    + " ttl=" + reply.hopLimit() + " time=" + PingStatistics.millis(reply.roundTripNanos()) + " ms");
        } else if (cause instanceof IcmpErrorException error) {
            statistics.error();
            print("From " + NetUtil.toAddressString(error.reporter()) + " icmp_seq=" + number + " "
                    + error.getMessage());
        } else if (!(cause instanceof SocketTimeoutException)) {
            statistics.error();
            print("isla: icmp_seq=" + number + " " + cause.getMessage());
        }
        if (waiting == 0 && sequenceNumber == plan.count) {
            finish();
        }
    }

    private void finish() {
        if (finished.isDone()) {
            return;
        }
        if (sending != null) {
            sending.cancel(false);
        }
        print("");
        print(statistics.summary(address, executor.ticker().nanoTime() - startedAt));
        finished.setSuccess(statistics);
    }

    private void print(String line) {
        out.println(line);
        out.flush();
    }
}
