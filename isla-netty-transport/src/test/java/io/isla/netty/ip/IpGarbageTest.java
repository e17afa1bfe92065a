/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static io.isla.netty.ip.IpFixture.OWN;
import static io.isla.netty.ip.IpFixture.OWN6;
import static io.isla.netty.ip.IpFixture.OWN_LINK;
import static io.isla.netty.ip.IpFixture.OWN_LOCAL6;
import static io.isla.netty.ip.IpFixture.PEER;
import static io.isla.netty.ip.IpFixture.PEER6;
import static io.isla.netty.ip.IpFixture.PEER_LINK;
import static io.isla.netty.ip.IpFixture.PROTOCOL;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.isla.netty.counter.Counters;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.link.LinkCounter;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.MacAddress;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.timer.TimerWheel;
import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.NeighborDiscoveryOption;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.IoHandle;
import io.netty.util.ResourceLeakDetector;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The packet path makes no garbage: packets in and out, echoes, errors that are limited, fragments on their way out. */
class IpGarbageTest {
    private static final int ROUNDS = 20_000;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final Sink sink = new Sink();
    private final InboundFrame inbound = new InboundFrame();
    private final Path path = new Path();
    private final Path path6 = new Path();
    private final byte[] payload = Packets.bytes(4000);
    private final ByteBuf data = direct(payload);
    private ResourceLeakDetector.Level level;
    private OutboundFrame frame;
    private IpStack stack;
    private long now;
    private long received;

    /** Counts what is sent. */
    private static final class Sink implements LinkQueue {
        long sent;

        @Override
        public void transmit(OutboundFrame frame) {
            sent++;
        }

        @Override
        public void flush() {}

        @Override
        public int poll(int maxFrames) {
            return 0;
        }

        @Override
        public IoHandle ioHandle() {
            return null;
        }

        @Override
        public long count(LinkCounter counter) {
            return 0;
        }

        @Override
        public void close() {}
    }

    @BeforeEach
    void open() {
        // The leak detector's records are garbage of their own.
        level = ResourceLeakDetector.getLevel();
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
        frame = new OutboundFrame();
        stack = new IpStack(
                new IpStack.Interface(Link.Medium.ETHERNET, 1500, 65_535, 65_535, new MacAddress(OWN_LINK), true),
                sink,
                looped -> {},
                new TimerWheel(now),
                new UnpooledByteBufAllocator(true, true),
                () -> 4,
                new Counters<>(IpCounter.class));
        stack.addAddress(IpAddress.v4(OWN), 24, now);
        stack.addAddress(OWN6, 64, now);
        stack.addAddress(OWN_LOCAL6, 64, now);
        stack.register(PROTOCOL, new TransportReceiver() {
            @Override
            public void receive(InboundPacket packet, long at) {
                received += packet.transportLength();
            }

            @Override
            public void receiveError(IcmpError error, long at) {}
        });
        stack.resolve(path, 0, IpAddress.v4Low(OWN), 0, IpAddress.v4Low(PEER));
        stack.resolve(path6, OWN6.high(), OWN6.low(), PEER6.high(), PEER6.low());
    }

    @AfterEach
    void close() {
        stack.close();
        frame.release();
        ResourceLeakDetector.setLevel(level);
    }

    private static ByteBuf direct(byte[] bytes) {
        return Unpooled.wrappedBuffer(
                ByteBuffer.allocateDirect(bytes.length).put(bytes).flip());
    }

    private static ByteBuf ethernet(int type, byte[] packet) {
        return direct(Packets.ethernet(OWN_LINK, PEER_LINK, type, packet));
    }

    private void receive(ByteBuf buf) {
        stack.receive(inbound.set(buf, 0, buf.capacity()), now);
    }

    private void send(Path to, int length) {
        frame.reset();
        frame.append(20);
        frame.addPayload(data, 0, length);
        stack.send(frame, to, PROTOCOL, 0, 64, 0, now);
        stack.confirm(to, now);
    }

    @Test
    void allocatesNothingForAPacket() {
        ByteBuf[] frames = {
            ethernet(EtherType.IPV4, Packets.ipv4(PEER, OWN, PROTOCOL, Packets.bytes(100))),
            ethernet(
                    EtherType.IPV4,
                    Packets.ipv4(PEER, OWN, IpProtocol.ICMP, Packets.icmp(8, 0, 1, Packets.bytes(100)))),
            ethernet(EtherType.IPV4, Packets.ipv4(PEER, OWN, 200, Packets.bytes(100))),
            direct(Packets.arp(OWN_LINK, ArpHeader.REQUEST, PEER_LINK, PEER, 0, OWN)),
            ethernet(EtherType.IPV6, Packets.ipv6(PEER6, OWN6, PROTOCOL, Packets.bytes(100))),
            ethernet(
                    EtherType.IPV6,
                    Packets.ipv6(
                            PEER6,
                            OWN6,
                            IpProtocol.DESTINATION_OPTIONS,
                            Packets.extension(PROTOCOL, 1, 4, 0, 0, 0, 0),
                            Packets.bytes(100))),
            ethernet(
                    EtherType.IPV6,
                    Packets.ipv6(
                            PEER6, OWN6, IpProtocol.ICMPV6, Packets.icmpv6(PEER6, OWN6, 128, 0, 1, new byte[100]))),
            ethernet(
                    EtherType.IPV6,
                    Packets.discovery(
                            PEER6,
                            OWN6,
                            135,
                            0,
                            Packets.bytes(OWN6),
                            Packets.linkOption(NeighborDiscoveryOption.SOURCE_LINK_ADDRESS, PEER_LINK)))
        };
        // What allocates as it is first used, or as it is compiled, does so here.
        exchange(frames);
        exchange(frames);
        long sent = sink.sent;
        received = 0;

        long before = threads.getCurrentThreadAllocatedBytes();
        exchange(frames);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;

        assertThat(received).isEqualTo(3L * 100 * ROUNDS);
        // One packet and three fragments in each family, and an answer to each echo and solicitation.
        assertThat(sink.sent - sent).isBetween(12L * ROUNDS, 12L * ROUNDS + 100);
        assertThat(allocated).as("bytes for %d rounds", ROUNDS).isLessThan(ROUNDS);
    }

    private void exchange(ByteBuf[] frames) {
        for (int i = 0; i < ROUNDS; i++) {
            now += 1000;
            for (ByteBuf received : frames) {
                receive(received);
            }
            send(path, 1000);
            send(path, 4000);
            send(path6, 1000);
            send(path6, 4000);
        }
    }
}
