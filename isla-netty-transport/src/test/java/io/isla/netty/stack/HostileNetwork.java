/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static org.assertj.core.api.Assertions.assertThat;

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
import io.isla.netty.tcp.TcpSettings;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;

/** A whole host of two shards on a wire at whose other end is nobody but the test, with a clock that is the test's. Listens with TCP and UDP. */
final class HostileNetwork implements AutoCloseable {
    static final int OWN = Packets.v4("10.0.0.2");
    static final IpAddress OWN6 = Packets.address("fd00::2");
    static final long OWN_LINK = 0x0200_0000_0002L;
    static final int PORT = 80;

    /** Without leak detection, which is slow: {@link #close} looks at what is left. */
    final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true, true);

    final MockTicker ticker = Ticker.newMockTicker();
    final HostStack host;
    private final Link.Medium medium;
    private final MemoryLink.Pair link;
    private final List<Shard> shards = new ArrayList<>();
    private final LinkQueue far;
    private final OutboundFrame frame = new OutboundFrame();
    private long answers;

    HostileNetwork(Link.Medium medium, long seed) throws IOException {
        this.medium = medium;
        link = MemoryLink.builder().medium(medium).receiveQueues(2).pair("host", "adversary");
        host = new HostStack(new HostConfiguration(
                link.first(),
                new MacAddress(OWN_LINK),
                List.of(
                        new HostConfiguration.Address(IpAddress.v4(OWN), 8),
                        new HostConfiguration.Address(OWN6, 64),
                        new HostConfiguration.Address(Packets.address("fe80::2"), 64)),
                List.of(Packets.address("10.0.0.1")),
                List.of(),
                List.of(),
                List.of(),
                medium == Link.Medium.ETHERNET ? Ipv6Config.automatic(1, 2) : Ipv6Config.MANUAL,
                null,
                false,
                1500,
                new TcpParameters(),
                seed,
                false));
        far = link.second().openQueue(new Counting(), () -> {}, allocator);
        Loop loop = new Loop();
        shards.add(host.newShard(loop));
        shards.add(host.newShard(loop));
        run();
        host.listeners()
                .listen(
                        IpAddress.ANY_V6,
                        PORT,
                        128,
                        true,
                        false,
                        false,
                        ListenScope.NONE,
                        new TcpSettings(),
                        null,
                        connection -> {});
        host.endpoints().open(shards.get(0), IpAddress.ANY_V6, PORT, false, false, endpoint -> {});
    }

    private final class Loop implements ShardLoop {
        @Override
        public boolean execute(Runnable task) {
            task.run();
            return true;
        }

        @Override
        public boolean inLoop() {
            return true;
        }

        @Override
        public void wakeup() {
            // The test runs all turns.
        }

        @Override
        public Ticker ticker() {
            return ticker;
        }

        @Override
        public Object group() {
            return this;
        }

        @Override
        public ByteBufAllocator allocator() {
            return allocator;
        }
    }

    private final class Counting implements LinkReceiver {
        @Override
        public void onFrame(InboundFrame inbound) {
            answers++;
        }

        @Override
        public void onLinkFailure(IOException cause) {
            throw new AssertionError(cause);
        }
    }

    /** Puts a packet into a frame to the host, or leaves it as it is where there are no frames. */
    byte[] frame(byte[] packet, long sourceLink) {
        if (medium == Link.Medium.IP) {
            return packet;
        }
        int version = packet.length == 0 ? 4 : packet[0] >>> 4 & 0xf;
        long destination = OWN_LINK;
        if (version == 6 && packet.length >= 40 && packet[24] == (byte) 0xff) {
            destination = 0x3333_0000_0000L | Unpooled.wrappedBuffer(packet).getUnsignedInt(36);
        } else if (version == 4 && packet.length >= 20 && (packet[16] & 0xf0) == 0xe0) {
            destination = 0x0100_5e00_0000L | Unpooled.wrappedBuffer(packet).getInt(16) & 0x7f_ffff;
        }
        return Packets.ethernet(destination, sourceLink, version == 6 ? EtherType.IPV6 : EtherType.IPV4, packet);
    }

    /** Has the host receive a frame; nothing may be thrown. */
    void receive(byte[] bytes) {
        ByteBuf payload = Unpooled.wrappedBuffer(bytes);
        frame.reset();
        frame.addPayload(payload, 0, bytes.length);
        far.transmit(frame);
        run();
    }

    /** Runs a turn of each shard, and takes what they have sent. */
    void run() {
        for (Shard shard : shards) {
            shard.runTurn();
        }
        while (far.poll(1000) > 0) {
            // There may be more.
        }
    }

    void pass(long amount, TimeUnit unit) {
        ticker.advance(amount, unit);
        run();
    }

    long answers() {
        return answers;
    }

    long count(String counter) {
        Long value = host.counters().get(counter);
        assertThat(value).as(counter).isNotNull();
        return value;
    }

    /** What of the counters says what has become of a frame, not that one has come or has come so far; and what waits. */
    long[] outcomes() {
        Map<String, Long> counters = host.counters();
        LongStream counted = counters.entrySet().stream()
                .filter(entry -> !entry.getKey().startsWith("LinkRX_")
                        && !entry.getKey().startsWith("LinkTX_")
                        && !entry.getKey().endsWith("InReceives")
                        && !entry.getKey().endsWith("InDelivers"))
                .mapToLong(Map.Entry::getValue);
        // A datagram counts as received once it is read: here nobody does, and it waits.
        return LongStream.concat(counted, LongStream.of(memory())).toArray();
    }

    /** Bytes of buffers that the host holds. */
    long memory() {
        return allocator.metric().usedDirectMemory() + allocator.metric().usedHeapMemory();
    }

    @Override
    public void close() {
        shards.forEach(Shard::close);
        host.close();
        far.close();
        link.close();
        frame.release();
        assertThat(memory()).as("bytes left").isZero();
    }

    /** A message of ICMP's kind, with the checksum in its second word of 16 bits. */
    static byte[] withChecksum(byte[] message) {
        ByteBuf buf = Unpooled.wrappedBuffer(message);
        buf.setShort(2, 0);
        buf.setShort(2, InternetChecksum.complement(InternetChecksum.sum(buf, 0, message.length)));
        return message;
    }

    /** A TCP segment over IPv4 with its checksum. */
    static byte[] withTcpChecksum(int source, int destination, byte[] segment) {
        ByteBuf buf = Unpooled.wrappedBuffer(segment);
        int pseudoHeader = InternetChecksum.pseudoHeaderV4(source, destination, IpProtocol.TCP, segment.length);
        int sum = InternetChecksum.add(pseudoHeader, InternetChecksum.sum(buf, 0, segment.length));
        buf.setShort(16, InternetChecksum.complement(sum));
        return segment;
    }
}
