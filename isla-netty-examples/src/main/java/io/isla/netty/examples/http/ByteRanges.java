/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The {@code Range} header (RFC 9110 §14.2) applied to a representation of a known length. */
final class ByteRanges {

    /** With more ranges than this, the header is ignored, as §14.2 allows for requests that are not reasonable. */
    static final int MAX_RANGES = 32;

    /**
     * Bytes {@code first} to {@code last}, both included.
     *
     * @param first position of the first byte
     * @param last position of the last byte; less than the length of the representation
     */
    record ByteRange(long first, long last) {
        long length() {
            return last - first + 1;
        }
    }

    private ByteRanges() {}

    /**
     * Returns the satisfiable ranges in the order asked for, overlapping and touching neighbours joined; an empty
     * list if there are none (416); and nothing if the header is to be ignored because it is malformed, in another
     * unit, or asks too much.
     *
     * @param header the value of the {@code Range} header
     * @param length the length of the whole representation, in bytes
     */
    static Optional<List<ByteRange>> parse(String header, long length) {
        if (!header.regionMatches(true, 0, "bytes=", 0, 6)) {
            return Optional.empty();
        }
        List<ByteRange> ranges = new ArrayList<>();
        int specifications = 0;
        for (String part : header.substring(6).split(",", -1)) {
            String specification = part.strip();
            if (specification.isEmpty()) {
                // A list may have empty elements (RFC 9110 §5.6.1.2).
                continue;
            }
            if (++specifications > MAX_RANGES) {
                return Optional.empty();
            }
            int dash = specification.indexOf('-');
            if (dash < 0) {
                return Optional.empty();
            }
            long first = number(specification.substring(0, dash));
            long last = number(specification.substring(dash + 1));
            boolean noFirst = dash == 0;
            boolean noLast = dash == specification.length() - 1;
            if ((noFirst && noLast) || (first < 0 && !noFirst) || (last < 0 && !noLast)) {
                return Optional.empty();
            }
            if (noFirst) {
                first = Math.max(0, length - last);
                // A suffix of no bytes is not satisfiable.
                last = last == 0 ? -1 : length - 1;
            } else if (noLast) {
                last = length - 1;
            } else if (last < first) {
                return Optional.empty();
            } else {
                last = Math.min(last, length - 1);
            }
            if (first <= last) {
                add(ranges, new ByteRange(first, last));
            }
        }
        return specifications == 0 ? Optional.empty() : Optional.of(ranges);
    }

    private static void add(List<ByteRange> ranges, ByteRange range) {
        ByteRange joined = range;
        // What one range joins may touch another, until none does.
        for (int i = 0; i < ranges.size(); ) {
            ByteRange other = ranges.get(i);
            if (joined.first() <= other.last() + 1 && other.first() <= joined.last() + 1) {
                joined = new ByteRange(Math.min(joined.first(), other.first()), Math.max(joined.last(), other.last()));
                ranges.remove(i);
                i = 0;
            } else {
                i++;
            }
        }
        ranges.add(joined);
    }

    /** Returns the number that the digits write, {@link Long#MAX_VALUE} if it is larger, or -1 if they are none. */
    private static long number(String digits) {
        if (digits.isEmpty() || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return -1;
        }
        try {
            return Long.parseLong(digits);
        } catch (NumberFormatException e) {
            return Long.MAX_VALUE;
        }
    }
}
