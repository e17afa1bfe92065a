/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.util.List;
import java.util.Locale;

/** What answers in a measurement. */
public enum ServerKind {
    /** Netty on Isla, on a TAP device. */
    ISLA("Netty on Isla, on a TAP device", true),
    /** The same, but that an event loop with nothing to do waits at once. */
    ISLA_BLOCK("isla with event loops that wait at once when there is nothing to do", true),
    /** The same, but with a system call for each frame. */
    ISLA_SYSCALLS("isla with a system call for each frame, and none through io_uring", true),
    /** The same, but with several frames in one system call where there are several. */
    ISLA_BATCHES("isla with several frames in one system call through io_uring, whether that costs less or not", true),
    /** The same, but that the kernel receives what it sends in a softirq. */
    ISLA_NAPI("isla with a softirq of the kernel for each frame", true),
    /** Netty's epoll transport on the kernel's TCP, over veth: what all ratios are to. */
    EPOLL("Netty's epoll transport on the kernel's TCP, over veth", false),
    /** Netty's io_uring transport on the kernel's TCP, over veth. */
    IO_URING("Netty's io_uring transport on the kernel's TCP, over veth", false),
    /** A responder on a TAP device that has neither TCP state nor a pipeline. */
    RAW("a responder on a TAP device with neither TCP state nor pipeline: the ceiling", true),
    /** {@code iperf3} on the kernel's TCP, over veth, where bytes are all that is measured. */
    IPERF3("iperf3 at both ends of the kernel's TCP, over veth, without Netty", false);

    private final String description;
    private final boolean onTap;

    ServerKind(String description, boolean onTap) {
        this.description = description;
        this.onTap = onTap;
    }

    /** What it is, for people. */
    public String description() {
        return description;
    }

    /** Whether its side of the link is a TAP device, in the client's namespace. */
    boolean isOnTap() {
        return onTap;
    }

    /** The options that make the server's program be this one. */
    List<String> options() {
        return switch (this) {
            case ISLA -> List.of("--transport", "isla");
            case ISLA_BLOCK -> List.of("--transport", "isla", "--poll", "block");
            case ISLA_SYSCALLS -> List.of("--transport", "isla", "--no-io-uring");
            case ISLA_BATCHES -> List.of("--transport", "isla", "--io-uring");
            case ISLA_NAPI -> List.of("--transport", "isla", "--napi");
            case EPOLL -> List.of("--transport", "epoll");
            case IO_URING -> List.of("--transport", "io_uring");
            case RAW -> List.of("--raw");
            case IPERF3 -> throw new IllegalStateException("iperf3 is another program");
        };
    }

    /** The name as an option has it. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    @Override
    public String toString() {
        return label();
    }
}
