/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/** Arithmetic on 32-bit sequence numbers, modulo 2<sup>32</sup> (RFC 9293 §3.4). */
final class SequenceNumber {
    private SequenceNumber() {}

    /** Whether {@code a} comes before {@code b}. */
    static boolean lessThan(int a, int b) {
        return a - b < 0;
    }

    /** Whether {@code a} comes before {@code b} or is {@code b}. */
    static boolean lessOrEqual(int a, int b) {
        return a - b <= 0;
    }

    /** Whether {@code a} comes after {@code b}. */
    static boolean greaterThan(int a, int b) {
        return a - b > 0;
    }

    /** Whether {@code a} comes after {@code b} or is {@code b}. */
    static boolean greaterOrEqual(int a, int b) {
        return a - b >= 0;
    }

    /** Whether {@code low <= value <= high}. */
    static boolean between(int low, int value, int high) {
        return Integer.compareUnsigned(value - low, high - low) <= 0;
    }

    /** The later of two. */
    static int max(int a, int b) {
        return a - b >= 0 ? a : b;
    }

    /** The earlier of two. */
    static int min(int a, int b) {
        return a - b <= 0 ? a : b;
    }

    /** How many octets lie from {@code from} up to but without {@code to}; negative if {@code to} comes first. */
    static int distance(int from, int to) {
        return to - from;
    }
}
