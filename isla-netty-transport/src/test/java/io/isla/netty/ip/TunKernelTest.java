/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.TunLink;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.testing.RequiresProgram;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.Unpooled;
import java.io.File;
import java.net.InetAddress;
import java.nio.file.Files;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The network layer on a link without Ethernet, against the kernel's. */
@KernelTest
class TunKernelTest {
    private static final IpAddress ISLA = Packets.address("10.94.0.2");
    private static final IpAddress ISLA6 = Packets.address("fd94::2");
    private static final String HOST = "10.94.0.1";
    private static final String HOST6 = "fd94::1";

    private KernelPeer peer;

    /** The kernel takes an IPv6 address for its own a little after it was added: what came before would be dropped. */
    private void open(boolean offload) throws Exception {
        peer = new KernelPeer(TunLink.builder("tun0")
                .offload(offload)
                .hostAddress(InetAddress.getByName(HOST), 24)
                .hostAddress(InetAddress.getByName(HOST6), 64));
        peer.onLoop(() -> {
            long now = System.nanoTime();
            peer.stack.addAddress(ISLA, 24, now);
            peer.stack.addAddress(ISLA6, 64, now);
            peer.stack.start(now);
            return null;
        });
        peer.await(
                "the kernel's address",
                () -> KernelPeer.run("ip -6 route show table local").contains("local " + HOST6 + " dev tun0"));
    }

    @AfterEach
    void close() throws Exception {
        peer.close();
    }

    @ParameterizedTest
    @CsvSource({
        "10.94.0.2, 56, true", "10.94.0.2, 20000, true", "10.94.0.2, 20000, false",
        "fd94::2, 56, true", "fd94::2, 20000, true", "fd94::2, 20000, false"
    })
    void theKernelPingsUs(String address, int size, boolean offload) throws Exception {
        open(offload);
        assertThat(KernelPeer.run("ping -n -c 20 -i 0.01 -w 15 -s " + size + " " + address))
                // Or one more, if the last reply took longer than the next request.
                .containsPattern("2\\d received");
    }

    @ParameterizedTest
    @ValueSource(strings = {HOST, HOST6})
    void wePingTheKernel(String address) throws Exception {
        open(true);
        ConcurrentLinkedQueue<Integer> replies = new ConcurrentLinkedQueue<>();
        IpAddress remote = Packets.address(address);
        IpAddress any = remote.isV4() ? IpAddress.ANY_V4 : IpAddress.ANY_V6;
        peer.onLoop(() -> peer.stack.echo().register(77, new IcmpEcho.Listener() {
            @Override
            public void receiveReply(InboundPacket packet, int sequenceNumber, long now) {
                replies.add(sequenceNumber);
            }

            @Override
            public void receiveError(IcmpError error, int sequenceNumber, long now) {
                replies.add(-sequenceNumber);
            }
        }));
        Path path = new Path();
        peer.onLoop(() -> {
            assertThat(peer.stack.resolve(path, any.high(), any.low(), remote.high(), remote.low()))
                    .isTrue();
            return peer.stack
                    .echo()
                    .send(path, 77, 1, Unpooled.wrappedBuffer(Packets.bytes(20_000)), 64, 0, System.nanoTime());
        });

        peer.await("a reply", () -> !replies.isEmpty());

        assertThat(replies).containsExactly(1);
        assertThat(peer.counters.get(IpCounter.ARP_OUT_REQUESTS)).isZero();
        assertThat(peer.counters.get(IpCounter.ICMP6_OUT_NEIGHBOR_SOLICITS)).isZero();
    }

    /** Linux does not answer: it joins no solicited-node groups on a TUN. {@link PointToPointTest} has a peer that does. */
    @Test
    void anAddressIsFoundToBeFree() throws Exception {
        open(true);
        ConcurrentLinkedQueue<String> results = new ConcurrentLinkedQueue<>();
        for (String address : new String[] {"10.94.0.77", "fd94::77"}) {
            peer.onLoop(() -> {
                peer.stack.detectDuplicate(
                        Packets.address(address),
                        (found, duplicate, other, now) -> results.add(address + " " + duplicate),
                        System.nanoTime());
                return null;
            });
        }

        peer.await("results", () -> results.size() == 2);

        assertThat(results).containsExactlyInAnyOrder("10.94.0.77 false", "fd94::77 false");
    }

    @Test
    @RequiresProgram("radvd")
    void configuresItselfFromRouterAdvertisements(@TempDir File directory) throws Exception {
        open(true);
        File configuration = new File(directory, "radvd.conf");
        Files.writeString(configuration.toPath(), """
                interface tun0 {
                    AdvSendAdvert on;
                    MinRtrAdvInterval 3;
                    MaxRtrAdvInterval 4;
                    prefix fd93::/64 { };
                };
                """);
        KernelPeer.run("ip -6 address add fd93::1/64 dev tun0 nodad");
        peer.onLoop(() -> {
            peer.stack.ipv6(Ipv6Config.automatic(1, 2));
            peer.stack.start(System.nanoTime());
            return null;
        });
        Process radvd = new ProcessBuilder(
                        "radvd", "-n", "-C", configuration.toString(), "-p", new File(directory, "pid").toString())
                .redirectErrorStream(true)
                .redirectOutput(new File(directory, "log"))
                .start();
        try {
            long prefix = Packets.address("fd93::").high();
            peer.await(
                    "an address",
                    () -> peer.stack.addresses().list().stream()
                            .anyMatch(address -> address.address().high() == prefix));
            IpAddress own = peer.onLoop(() -> peer.stack.addresses().list().stream()
                    .map(InterfaceAddress::address)
                    .filter(address -> address.high() == prefix)
                    .findFirst()
                    .orElseThrow());
            assertThat(KernelPeer.run(
                            "ping -n -c 3 -i 0.01 -W 5 " + own.toInetAddress().getHostAddress()))
                    .contains("3 received");
        } finally {
            radvd.destroy();
            radvd.waitFor();
        }
    }
}
