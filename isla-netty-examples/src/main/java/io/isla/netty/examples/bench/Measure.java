/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

/** One number that a workload yields. */
public enum Measure {
    REQUESTS_PER_SECOND("requests/s", 0, true),
    /** Of the processor time that the kernel accounts to the server's process. */
    SERVER_CPU("server CPU s per 100,000 requests", 2, false),
    /** Of all processor time on the machine: what the kernel does for the server in the client's time is in it, and so is the client. */
    MACHINE_CPU("machine CPU s per 100,000 requests", 2, false),
    ALLOCATED("bytes allocated per request", 0, false),
    GIGABITS("Gbit/s", 2, true),
    SERVER_CPU_PER_GIGABYTE("server CPU s per GB", 3, false),
    /** Requests per second with idle connections open, to those without in the same round. */
    SHARE_OF_WITHOUT("share of the same without them", 3, true),
    OFFERED("requests/s offered", 0, true),
    ACHIEVED("requests/s answered", 0, true),
    P50("latency p50, µs", 0, false),
    P99("latency p99, µs", 0, false),
    P999("latency p99.9, µs", 0, false),
    HEAP("heap bytes per connection", 0, false),
    DIRECT("direct bytes per connection", 0, false),
    RSS("resident bytes per connection", 0, false),
    /** The kernel's own memory, for both ends of a connection; the client's end is always the kernel's. */
    SLAB("kernel bytes per connection, both ends", 0, false),
    START_UP("ms to the first answer", 0, false),
    IDLE_CPU("CPU ms per idle second", 2, false),
    LAST_ACK("client's sockets left in LAST-ACK", 0, false),
    TIME_WAIT("client's sockets left in TIME-WAIT", 0, false),
    ERRORS("errors", 0, false);

    private final String label;
    private final int decimals;
    private final boolean higherIsBetter;

    Measure(String label, int decimals, boolean higherIsBetter) {
        this.label = label;
        this.decimals = decimals;
        this.higherIsBetter = higherIsBetter;
    }

    /** For people, with the unit. */
    public String label() {
        return label;
    }

    /** How many digits after the point say something. */
    int decimals() {
        return decimals;
    }

    /** Whether more is better. */
    boolean isHigherBetter() {
        return higherIsBetter;
    }

    /** Whether it is a count of what should not be there, of which there is no ratio. */
    boolean isCount() {
        return this == LAST_ACK || this == TIME_WAIT || this == ERRORS || this == OFFERED;
    }
}
