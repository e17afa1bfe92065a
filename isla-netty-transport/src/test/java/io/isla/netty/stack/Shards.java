/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.dhcp.DhcpParameters;
import io.isla.netty.ip.AddressBlock;
import io.isla.netty.ip.Ipv6Config;
import io.isla.netty.ip.Packets;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.LinkReceiver;
import io.isla.netty.link.MacAddress;
import io.isla.netty.link.MemoryLink;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.tcp.TcpParameters;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;

/** A host of several shards, which run when the test says so, and the other end of its link, which the test has for itself. */
final class Shards implements AutoCloseable {
    static final long OWN_LINK = 0x02_00_5e_10_00_01L;
    static final long PEER_LINK = 0x02_00_5e_10_00_02L;
    private static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    final MemoryLink.Pair link;
    final MockTicker ticker = Ticker.newMockTicker();
    final List<Shard> shards = new ArrayList<>();
    final HostStack host;
    /** What the host has sent, oldest first. */
    final List<byte[]> sent = new ArrayList<>();

    /** Run on the thread that has put something into a shard's inbox. */
    Runnable onWakeup = () -> {};

    /** How often a loop may still be asked for its allocator. */
    int allocatorCalls = Integer.MAX_VALUE;

    /** Whether loops have shut down: they run no task any more. */
    boolean loopsEnded;

    private final LinkQueue peer;
    private final OutboundFrame frame = new OutboundFrame();

    Shards(HostSetup setup) throws IOException {
        link = MemoryLink.builder()
                .medium(setup.medium)
                .receiveQueues(setup.receiveQueues)
                .pair("shards", "peer");
        host = new HostStack(new HostConfiguration(
                setup.wrapping.apply(link.first()),
                new MacAddress(OWN_LINK),
                setup.addresses,
                setup.gateways,
                setup.blocks,
                List.of(),
                List.of(),
                setup.ipv6,
                setup.dhcp,
                setup.detectDuplicates,
                1500,
                new TcpParameters(),
                42,
                false));
        peer = link.second().openQueue(new Peer(), () -> {}, ByteBufAllocator.DEFAULT);
    }

    /** What a test wants to have of a host. */
    static final class HostSetup {
        Link.Medium medium = Link.Medium.ETHERNET;
        List<HostConfiguration.Address> addresses = List.of();
        List<IpAddress> gateways = List.of();
        List<AddressBlock> blocks = List.of();
        Ipv6Config ipv6 = Ipv6Config.MANUAL;
        boolean detectDuplicates;
        DhcpParameters dhcp;
        /** What the host has in place of the link. */
        UnaryOperator<Link> wrapping = UnaryOperator.identity();
        /** How many shards receive from the link. */
        int receiveQueues = 8;
    }

    static IpAddress address(String literal) {
        return Packets.address(literal);
    }

    static HostConfiguration.Address address(String literal, int prefixLength) {
        return new HostConfiguration.Address(address(literal), prefixLength);
    }

    private final class Peer implements LinkReceiver {
        @Override
        public void onFrame(InboundFrame inbound) {
            sent.add(ByteBufUtil.getBytes(inbound.buffer(), inbound.offset(), inbound.length()));
        }

        @Override
        public void onLinkFailure(IOException cause) {}

        @Override
        public void onLinkDown(IOException cause) {}

        @Override
        public void onLinkUp() {}
    }

    private record Loop(Shards net, Ticker ticker, Object group) implements ShardLoop {
        @Override
        public boolean execute(Runnable task) {
            if (net.loopsEnded) {
                return false;
            }
            task.run();
            return true;
        }

        @Override
        public boolean inLoop() {
            return true;
        }

        @Override
        public void wakeup() {
            net.onWakeup.run();
        }

        @Override
        public ByteBufAllocator allocator() {
            if (net.allocatorCalls-- == 0) {
                throw new IllegalStateException("expected");
            }
            return ByteBufAllocator.DEFAULT;
        }
    }

    Shard start() throws IOException {
        return start("group");
    }

    /** Starts one whose loop is of a group. */
    Shard start(Object group) throws IOException {
        Shard shard = host.newShard(new Loop(this, ticker, group));
        shards.add(shard);
        return shard;
    }

    void start(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            start();
        }
    }

    void stop(Shard shard) {
        shards.remove(shard);
        shard.close();
        settle();
    }

    /** Runs turns until nobody has anything to do. */
    void settle() {
        boolean busy = true;
        while (busy) {
            busy = false;
            for (Shard shard : List.copyOf(shards)) {
                busy |= shard.runTurn() > 0 || shard.hasWork();
            }
            busy |= peer.poll(64) > 0;
        }
    }

    /** Lets time pass. */
    void pass(long time, TimeUnit unit) {
        passUntil(() -> false, time, unit);
    }

    /** Lets time pass until something is so; returns whether it came to be. */
    boolean passUntil(BooleanSupplier condition, long most, TimeUnit unit) {
        settle();
        for (long left = unit.toNanos(most); left > 0 && !condition.getAsBoolean(); left -= STEP_NANOS) {
            ticker.advance(Math.min(left, STEP_NANOS), TimeUnit.NANOSECONDS);
            settle();
        }
        return condition.getAsBoolean();
    }

    /** Sends a frame to the host, and lets it be dealt with. */
    void receive(byte[] bytes) {
        transmit(bytes);
        settle();
    }

    /** Puts a frame into the queue of the shard that will have it. */
    void transmit(byte[] bytes) {
        frame.reset();
        ByteBuf buffer = ByteBufAllocator.DEFAULT.directBuffer(bytes.length).writeBytes(bytes);
        frame.addPayload(buffer, 0, bytes.length);
        peer.transmit(frame);
        peer.flush();
        frame.reset();
        buffer.release();
    }

    /** Sends an IPv6 packet to the host, or to a group. */
    void receiveIp6(long destinationLink, byte[] packet) {
        receive(Packets.ethernet(destinationLink, PEER_LINK, EtherType.IPV6, packet));
    }

    /** What the host has sent that starts, behind the Ethernet header, like this; taken out of the list. */
    List<byte[]> take(int etherType) {
        List<byte[]> taken = sent.stream()
                .filter(bytes -> EthernetHeader.type(io.netty.buffer.Unpooled.wrappedBuffer(bytes), 0) == etherType)
                .toList();
        sent.removeAll(taken);
        return taken;
    }

    @Override
    public void close() throws IOException {
        for (Shard shard : List.copyOf(shards)) {
            shard.close();
        }
        peer.close();
        frame.release();
        host.close();
        link.close();
    }
}
