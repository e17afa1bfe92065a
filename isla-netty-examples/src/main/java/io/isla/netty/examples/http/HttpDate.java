/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.handler.codec.DateFormatter;
import io.netty.util.AsciiString;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Date;
import java.util.OptionalLong;

/** Dates as HTTP writes them (RFC 9110 §5.6.7), which have no fractions of a second. Any thread. */
final class HttpDate {

    private final InstantSource clock;
    private volatile Cached cached = new Cached(Long.MIN_VALUE, AsciiString.EMPTY_STRING);

    /** @param clock what {@link #now()} reads */
    HttpDate(InstantSource clock) {
        this.clock = clock;
    }

    /** The present, for a {@code Date} header; formatted once a second. */
    AsciiString now() {
        long second = Math.floorDiv(clock.millis(), 1000);
        Cached last = cached;
        if (last.second != second) {
            last = new Cached(second, new AsciiString(format(Instant.ofEpochSecond(second))));
            cached = last;
        }
        return last.text;
    }

    static String format(Instant instant) {
        return DateFormatter.format(Date.from(instant));
    }

    /** Returns the seconds since the epoch, or nothing if the text is not a date. */
    static OptionalLong parseSeconds(CharSequence text) {
        Date date = DateFormatter.parseHttpDate(text);
        return date == null ? OptionalLong.empty() : OptionalLong.of(Math.floorDiv(date.getTime(), 1000));
    }

    private record Cached(long second, AsciiString text) {}
}
