/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.get;

import java.util.Locale;

/**
 * How it went. Times are those of {@link System#nanoTime()}.
 *
 * @param status the status code of the answer
 * @param bytes length of its content
 * @param sent when the request was sent
 * @param firstByte when the head of the answer had come
 * @param done when all of it had come
 */
public record GetResult(int status, long bytes, long sent, long firstByte, long done) {

    /**
     * A line for people.
     *
     * @param started when the connection was begun
     */
    public String describe(long started) {
        double seconds = (done - firstByte) / 1e9;
        String rate = seconds > 0 ? String.format(Locale.ROOT, ", %.1f Mbit/s", bytes * 8 / seconds / 1e6) : "";
        return String.format(
                Locale.ROOT,
                "%d, %d bytes; connected after %.2f ms, first byte after %.2f ms, done after %.2f ms%s",
                status,
                bytes,
                (sent - started) / 1e6,
                (firstByte - started) / 1e6,
                (done - started) / 1e6,
                rate);
    }
}
