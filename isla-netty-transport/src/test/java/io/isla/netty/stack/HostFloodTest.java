/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static io.isla.netty.stack.HostileNetwork.OWN;
import static io.isla.netty.stack.HostileNetwork.OWN6;
import static io.isla.netty.stack.HostileNetwork.PORT;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.ip.Packets;
import io.isla.netty.link.Link;
import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import java.lang.management.ManagementFactory;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Floods a whole host with what makes hosts remember something, each packet from a source of its own. However long that goes on, the host holds no more
 * than it did after the first of it.
 */
class HostFloodTest {
    /** As many as fill every cache. */
    private static final int FIRST = 10_000;

    /** If each left but a reference and a header behind, the sum would show. */
    private static final int MORE = 40_000;

    /** Other tests have left something in this JVM that may come and go: a host that grows does so each time. */
    private static final int PARTS = 4;

    /** What the heap may grow by meanwhile, which is none of the host's: the measurement's own. */
    private static final long HEAP_TOLERANCE = 1 << 20;

    /** The most that waits in buffers: on each of two shards, fragments, packets for neighbours, and what nobody reads. */
    private static final long MAX_BUFFERS = 2 * ((4 << 20) + (2 << 20)) + (1 << 20);

    /** What makes a host remember its sender, or something else that the sender chooses. */
    enum Flood {
        ARP_REQUESTS("NeighEvictions") {
            @Override
            byte[] packet(HostileNetwork network, int i) {
                return Packets.arp(0xffff_ffff_ffffL, ArpHeader.REQUEST, link(i), source(i), 0, OWN);
            }
        },
        NEIGHBOR_SOLICITATIONS("NeighEvictions") {
            @Override
            byte[] packet(HostileNetwork network, int i) {
                return network.frame(
                        Packets.discovery(
                                source6(i), OWN6, 135, 0, Packets.bytes(OWN6), Packets.linkOption(1, link(i))),
                        link(i));
            }
        },
        NEIGHBORS_THAT_DO_NOT_EXIST("NeighUnresolvedDiscards") {
            @Override
            byte[] packet(HostileNetwork network, int i) {
                // Answers have to wait for a link address that nobody tells.
                return network.frame(
                        Packets.ipv4(source(i), OWN, IpProtocol.ICMP, Packets.icmp(8, 0, 1, new byte[1000])),
                        0x02_0000_ffffL);
            }
        },
        FRAGMENTS("IpReasmFails") {
            @Override
            byte[] packet(HostileNetwork network, int i) {
                return network.frame(
                        Packets.ipv4(source(i), OWN, IpProtocol.UDP, 64, 0x2000, i, new byte[0], new byte[1000]),
                        link(i));
            }
        },
        FRAGMENTS_OF_IPV6("Ip6ReasmFails") {
            @Override
            byte[] packet(HostileNetwork network, int i) {
                return network.frame(
                        Packets.ipv6(
                                source6(i),
                                OWN6,
                                IpProtocol.FRAGMENT,
                                Packets.fragmentHeader(IpProtocol.UDP, 8, true, i),
                                new byte[800]),
                        link(i));
            }
        },
        PACKETS_TOO_BIG("IcmpInDestUnreachs") {
            @Override
            byte[] packet(HostileNetwork network, int i) {
                byte[] quoted = Packets.ipv4(
                        OWN, source(i), IpProtocol.UDP, Packets.udp(OWN, source(i), PORT, i & 0xffff, new byte[8]));
                return network.frame(
                        Packets.ipv4(source(i), OWN, IpProtocol.ICMP, Packets.icmp(3, 4, 1300, quoted)), link(1));
            }
        },
        DATAGRAMS_TO_A_CLOSED_PORT("IcmpOutRateLimitGlobal") {
            @Override
            byte[] packet(HostileNetwork network, int i) {
                return network.frame(
                        Packets.ipv4(source(i), OWN, IpProtocol.UDP, Packets.udp(source(i), OWN, 5, 6, new byte[10])),
                        link(1));
            }
        },
        DATAGRAMS_THAT_NOBODY_READS("UdpRcvbufErrors") {
            @Override
            byte[] packet(HostileNetwork network, int i) {
                return network.frame(
                        Packets.ipv4(
                                source(i), OWN, IpProtocol.UDP, Packets.udp(source(i), OWN, 5, PORT, new byte[100])),
                        link(1));
            }
        },
        SYNS("SyncookiesSent") {
            @Override
            byte[] packet(HostileNetwork network, int i) {
                return network.frame(
                        Packets.ipv4(
                                source(i),
                                OWN,
                                IpProtocol.TCP,
                                HostileNetwork.withTcpChecksum(
                                        source(i),
                                        OWN,
                                        Packets.ints(1000 << 16 | PORT, i, 0, 0x6002_ffff, 0, 0x0204_05b4))),
                        link(1));
            }
        },
        ROUTERS("Icmp6InRouterAdvertisements") {
            @Override
            byte[] packet(HostileNetwork network, int i) {
                return network.frame(
                        Packets.discovery(
                                IpAddress.of(0xfe80_0000_0000_0000L, 0x1000 + i),
                                Packets.address("ff02::1"),
                                134,
                                0x4000_0708,
                                new byte[8],
                                Packets.linkOption(1, link(i)),
                                Packets.ints(0x0304_40c0, 3600, 1800, 0),
                                Packets.bytes(IpAddress.of(0x2001_0db8_0000_0000L + i, 0)),
                                Packets.ints(0x1903_0000, 300),
                                Packets.bytes(source6(i))),
                        link(i));
            }
        },
        GROUP_QUERIES("IgmpInMsgs") {
            @Override
            byte[] packet(HostileNetwork network, int i) {
                int group = 0xef00_0000 | i;
                return network.frame(
                        Packets.ipv4(
                                source(i),
                                0xe000_0001,
                                IpProtocol.IGMP,
                                1,
                                0,
                                0,
                                new byte[] {(byte) 0x94, 4, 0, 0},
                                HostileNetwork.withChecksum(Packets.ints(0x1164_0000, group, 0x0220_0000))),
                        link(1));
            }
        };

        /** What counts what the host does not remember of it, or that it has come. */
        final String counter;

        Flood(String counter) {
            this.counter = counter;
        }

        /** The frame number {@code i}, from the source number {@code i}. */
        abstract byte[] packet(HostileNetwork network, int i);

        private static int source(int i) {
            return 0x0a01_0000 + i;
        }

        private static IpAddress source6(int i) {
            return IpAddress.of(0xfd00_0000_0000_0000L, 0x1_0000 + i);
        }

        private static long link(int i) {
            return 0x0210_0000_0000L + i;
        }
    }

    @ParameterizedTest
    @EnumSource(Flood.class)
    void memoryIsBoundedHoweverLongAFloodGoesOn(Flood flood) throws Exception {
        try (HostileNetwork network = new HostileNetwork(Link.Medium.ETHERNET, 7)) {
            long most = 0;
            for (int i = 0; i < FIRST; i++) {
                network.receive(flood.packet(network, i));
                most = Math.max(most, network.memory());
            }
            long grown = Long.MAX_VALUE;
            int sent = FIRST;
            for (int part = 0; part < PARTS && grown >= HEAP_TOLERANCE; part++) {
                long heap = heap();
                for (int end = sent + MORE; sent < end; sent++) {
                    network.receive(flood.packet(network, sent));
                    most = Math.max(most, network.memory());
                    if (sent % 1000 == 0) {
                        network.pass(10, TimeUnit.MILLISECONDS);
                    }
                }
                grown = heap() - heap;
            }
            assertThat(grown).as("bytes that the heap has grown by").isLessThan(HEAP_TOLERANCE);
            assertThat(most).as("bytes in buffers, at most").isLessThan(MAX_BUFFERS);

            assertThat(network.count(flood.counter)).as(flood.counter).isGreaterThan(1000);

            // It is over, and soon forgotten.
            network.pass(2, TimeUnit.MINUTES);
            long answers = network.answers();
            network.receive(Packets.arp(0xffff_ffff_ffffL, ArpHeader.REQUEST, 0x0200_0000_0009L, 0x0a00_0009, 0, OWN));
            assertThat(network.answers()).as("the host answers").isGreaterThan(answers);
        }
    }

    private static long heap() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }
}
