/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.ping;

import java.util.Locale;

/** Counts requests and replies, and sums up as ping(8) does. One thread. */
public final class PingStatistics {
    private static final double NANOS_PER_MILLI = 1e6;

    private long transmitted;
    private long received;
    private long errors;
    private double sum;
    private double sumOfSquares;
    private double min = Double.MAX_VALUE;
    private double max;

    /** A request was sent. */
    public void sent() {
        transmitted++;
    }

    /** A reply has come. */
    public void reply(long roundTripNanos) {
        double millis = roundTripNanos / NANOS_PER_MILLI;
        received++;
        sum += millis;
        sumOfSquares += millis * millis;
        min = Math.min(min, millis);
        max = Math.max(max, millis);
    }

    /** The network, or this host, has said that there will be no reply. */
    public void error() {
        errors++;
    }

    /** Replies so far. */
    public long received() {
        return received;
    }

    /** The longest round trip so far, in nanoseconds. */
    public long longestNanos() {
        return (long) (max * NANOS_PER_MILLI);
    }

    /**
     * What is said in the end.
     *
     * @param name whom it was sent to
     * @param elapsedNanos since the first request
     */
    public String summary(String name, long elapsedNanos) {
        StringBuilder text = new StringBuilder();
        text.append("--- ").append(name).append(" ping statistics ---\n");
        text.append(transmitted)
                .append(" packets transmitted, ")
                .append(received)
                .append(" received");
        if (errors > 0) {
            text.append(", +").append(errors).append(" errors");
        }
        if (transmitted > 0) {
            double loss = (transmitted - received) * 100.0 / transmitted;
            text.append(", ").append(percent(loss)).append("% packet loss");
        }
        text.append(", time ").append((long) (elapsedNanos / NANOS_PER_MILLI)).append("ms");
        if (received > 0) {
            double mean = sum / received;
            // The standard deviation; rounding can make its square negative.
            double deviation = Math.sqrt(Math.max(0, sumOfSquares / received - mean * mean));
            text.append(String.format(
                    Locale.ROOT, "%nrtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms", min, mean, max, deviation));
        }
        return text.toString();
    }

    private static String percent(double value) {
        String text = String.format(Locale.ROOT, "%.4f", value);
        return text.contains(".") ? text.replaceAll("\\.?0+$", "") : text;
    }

    /** A time as ping(8) writes it: with three significant digits, more or less. */
    static String millis(long nanos) {
        double millis = nanos / NANOS_PER_MILLI;
        String format = millis < 1 ? "%.3f" : millis < 10 ? "%.2f" : millis < 100 ? "%.1f" : "%.0f";
        return String.format(Locale.ROOT, format, millis);
    }
}
