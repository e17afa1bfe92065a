/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import io.isla.netty.testing.KernelTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/**
 * Netty's tests of datagram sockets that wait for an ICMP error, about what ours send to the kernel over a TAP. The kernel's limits outlive a device, so they are lifted in the
 * namespace.
 */
@KernelTest
class KernelServerIcmpErrorTestsuiteTest extends IcmpErrorTestsuite {
    /** The types of messages that are limited in rate: a set of bits, and a list of ranges. */
    private static final Path LIMITED = Path.of("/proc/sys/net/ipv4/icmp_ratemask");

    private static final Path LIMITED6 = Path.of("/proc/sys/net/ipv6/icmp/ratemask");

    private static String limited;
    private static String limited6;

    @BeforeAll
    static void limitNothing() throws IOException {
        limited = Files.readString(LIMITED);
        limited6 = Files.readString(LIMITED6);
        Files.writeString(LIMITED, "0");
        Files.writeString(LIMITED6, "\n");
    }

    @AfterAll
    static void limitAsBefore() throws IOException {
        Files.writeString(LIMITED, limited);
        Files.writeString(LIMITED6, limited6);
    }

    @Override
    Pairing newPairing() throws Exception {
        return Pairing.kernelServer();
    }
}
