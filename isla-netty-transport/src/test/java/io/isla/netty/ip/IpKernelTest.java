/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.isla.netty.link.MacAddress;
import io.isla.netty.link.TapLink;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.Unpooled;
import java.io.File;
import java.net.InetAddress;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The network layer against the kernel's. */
@KernelTest
class IpKernelTest {
    private static final IpAddress ISLA = Packets.address("10.98.0.2");
    private static final IpAddress ISLA6 = Packets.address("fd98::2");
    private static final String HOST = "10.98.0.1";
    private static final String HOST6 = "fd98::1";

    /** Whether new devices wait until their addresses are found to be free: here, that costs a second or two each time. */
    private static final java.nio.file.Path ACCEPT_DAD =
            java.nio.file.Path.of("/proc/sys/net/ipv6/conf/default/accept_dad");

    private static String acceptDad;
    private KernelPeer peer;

    @BeforeAll
    static void doNotWait() throws Exception {
        acceptDad = Files.readString(ACCEPT_DAD);
        Files.writeString(ACCEPT_DAD, "0");
    }

    @AfterAll
    static void waitAgain() throws Exception {
        Files.writeString(ACCEPT_DAD, acceptDad);
    }

    @BeforeEach
    void open() throws Exception {
        peer = new KernelPeer(TapLink.builder("ip0")
                .hostAddress(InetAddress.getByName(HOST), 24)
                .hostAddress(InetAddress.getByName(HOST6), 64));
    }

    @AfterEach
    void close() throws Exception {
        peer.close();
    }

    private void configure() throws Exception {
        peer.onLoop(() -> {
            long now = System.nanoTime();
            peer.stack.addAddress(ISLA, 24, now);
            peer.stack.addAddress(ISLA6, 64, now);
            peer.stack.start(now);
            return null;
        });
    }

    @ParameterizedTest
    @CsvSource({
        "10.98.0.2, 56", "10.98.0.2, 1472", "10.98.0.2, 20000", "10.98.0.2, 65000",
        "fd98::2, 56", "fd98::2, 1452", "fd98::2, 20000", "fd98::2, 65000"
    })
    void theKernelPingsUs(String address, int size) throws Exception {
        configure();

        // With a deadline, ping goes on until it has all its replies; else it gives up the last one after two round
        // trips.
        String output = KernelPeer.run("ping -n -c 20 -i 0.01 -w 15 -s " + size + " " + address);

        assertThat(output).contains("20 received");
        // Every request that has come was answered once what has come is processed, and few had to be sent again.
        boolean v4 = Packets.address(address).isV4();
        IpCounter asked = v4 ? IpCounter.ICMP_IN_ECHOS : IpCounter.ICMP6_IN_ECHOS;
        IpCounter answered = v4 ? IpCounter.ICMP_OUT_ECHO_REPS : IpCounter.ICMP6_OUT_ECHO_REPLIES;
        peer.await("all answered", () -> peer.counters.get(asked) == peer.counters.get(answered));
        assertThat(peer.counters.get(asked)).isBetween(20L, 30L);
    }

    @ParameterizedTest
    @ValueSource(strings = {HOST, HOST6, "127.0.0.1", "::1", "10.98.0.2"})
    void wePingTheKernelAndOurselves(String address) throws Exception {
        configure();
        ConcurrentLinkedQueue<Integer> replies = new ConcurrentLinkedQueue<>();
        byte[] data = Packets.bytes(20_000);
        IpAddress remote = Packets.address(address);
        IpAddress any = remote.isV4() ? IpAddress.ANY_V4 : IpAddress.ANY_V6;
        Path path = new Path();
        peer.onLoop(() -> peer.stack.echo().register(77, new IcmpEcho.Listener() {
            @Override
            public void receiveReply(InboundPacket packet, int sequenceNumber, long now) {
                boolean same = packet.transportLength() == 8 + data.length
                        && packet.buffer()
                                .slice(packet.transportOffset() + 8, data.length)
                                .equals(Unpooled.wrappedBuffer(data));
                replies.add(same ? sequenceNumber : -sequenceNumber);
            }

            @Override
            public void receiveError(IcmpError error, int sequenceNumber, long now) {
                replies.add(-sequenceNumber);
            }
        }));
        for (int i = 1; i <= 3; i++) {
            int sequenceNumber = i;
            peer.onLoop(() -> {
                assertThat(peer.stack.resolve(path, any.high(), any.low(), remote.high(), remote.low()))
                        .isTrue();
                return peer.stack
                        .echo()
                        .send(path, 77, sequenceNumber, Unpooled.wrappedBuffer(data), 64, 0, System.nanoTime());
            });
        }

        peer.await("replies " + replies, () -> replies.size() == 3);

        assertThat(replies).containsExactly(1, 2, 3);
    }

    @Test
    void theKernelFindsNobodyWhereNobodyIs() throws Exception {
        configure();
        ConcurrentLinkedQueue<IcmpErrorKind> errors = new ConcurrentLinkedQueue<>();
        peer.onLoop(() -> peer.stack.echo().register(77, new IcmpEcho.Listener() {
            @Override
            public void receiveReply(InboundPacket packet, int sequenceNumber, long now) {}

            @Override
            public void receiveError(IcmpError error, int sequenceNumber, long now) {
                errors.add(error.kind());
            }
        }));
        IpAddress nobody = Packets.address("10.98.0.99");
        Path path = new Path();
        peer.onLoop(() -> {
            peer.stack.resolve(path, 0, IpAddress.ANY_V4.low(), nobody.high(), nobody.low());
            return peer.stack.echo().send(path, 77, 1, Unpooled.EMPTY_BUFFER, 64, 0, System.nanoTime());
        });

        peer.await("an error", () -> !errors.isEmpty());

        assertThat(errors).containsExactly(IcmpErrorKind.HOST_UNREACHABLE);
    }

    @Test
    void theKernelHearsThatItsAddressIsWanted() throws Exception {
        ConcurrentLinkedQueue<String> results = new ConcurrentLinkedQueue<>();
        for (String address : List.of(HOST, HOST6, "10.98.0.77", "fd98::77")) {
            peer.onLoop(() -> {
                peer.stack.detectDuplicate(
                        Packets.address(address),
                        (found, duplicate, other, now) -> results.add(address + " " + duplicate),
                        System.nanoTime());
                return null;
            });
        }

        peer.await("results", () -> results.size() == 4);

        assertThat(results)
                .containsExactlyInAnyOrder(HOST + " true", HOST6 + " true", "10.98.0.77 false", "fd98::77 false");
    }

    @Test
    void configuresItselfFromRouterAdvertisements(@TempDir File directory) throws Exception {
        File configuration = new File(directory, "radvd.conf");
        Files.writeString(configuration.toPath(), """
                interface ip0 {
                    AdvSendAdvert on;
                    MinRtrAdvInterval 3;
                    MaxRtrAdvInterval 4;
                    AdvLinkMTU 1400;
                    prefix fd97::/64 { };
                    RDNSS fd97::53 { };
                    DNSSL example.org { };
                };
                """);
        assumeTrue(KernelPeer.isInstalled("radvd"), "radvd is not installed (apt-get install radvd)");
        KernelPeer.run("ip -6 address add fd97::1/64 dev ip0 nodad");
        ConcurrentLinkedQueue<String> events = new ConcurrentLinkedQueue<>();
        peer.onLoop(() -> {
            peer.stack.ipv6(Ipv6Config.automatic(1, 2));
            peer.stack.listener(new IpListener() {
                @Override
                public void addressConflict(InterfaceAddress address, MacAddress other) {
                    events.add("conflict");
                }

                @Override
                public void recursiveDnsServers(List<IpAddress> servers, long lifetimeSeconds) {
                    events.add("dns " + servers);
                }

                @Override
                public void dnsSearchList(List<String> domains, long lifetimeSeconds) {
                    events.add("search " + domains);
                }
            });
            peer.stack.start(System.nanoTime());
            return null;
        });
        File log = new File(directory, "log");
        Process radvd = new ProcessBuilder(
                        "radvd", "-n", "-C", configuration.toString(), "-p", new File(directory, "pid").toString())
                .redirectErrorStream(true)
                .redirectOutput(log)
                .start();
        try {
            peer.await(
                    "an address from " + Files.readString(log.toPath()),
                    () -> peer.stack.addresses().list().stream()
                            .anyMatch(address -> address.address().high()
                                    == Packets.address("fd97::").high()));
            IpAddress own = peer.onLoop(() -> peer.stack.addresses().list().stream()
                    .map(InterfaceAddress::address)
                    .filter(address -> !address.isLinkLocal())
                    .findFirst()
                    .orElseThrow());
            Path path = new Path();
            IpAddress far = Packets.address("2001:db8::1");
            assertThat(peer.onLoop(() -> peer.stack.resolve(path, 0, 0, far.high(), far.low())))
                    .as("a default router")
                    .isTrue();
            assertThat(path.mtu()).isEqualTo(1400);
            assertThat(events)
                    .contains("dns [" + Packets.address("fd97::53") + "]", "search [example.org]")
                    .doesNotContain("conflict");

            assertThat(KernelPeer.run("ping -n -c 10 -i 0.01 -W 5 -s 5000 "
                            + own.toInetAddress().getHostAddress()))
                    .contains("10 received, 0% packet loss");
        } finally {
            radvd.destroy();
            radvd.waitFor();
        }
    }
}
