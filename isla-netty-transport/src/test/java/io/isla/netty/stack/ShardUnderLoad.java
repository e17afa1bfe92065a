/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.link.LinkCounter;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.LinkReceiver;
import io.isla.netty.link.MacAddress;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpParameters;
import io.isla.netty.tcp.TcpSettings;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.TcpHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.IoHandle;
import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A shard with one established connection, on a link that takes a frame to be delivered from its user and only looks at what is sent. Time passes
 * by a microsecond a turn.
 */
final class ShardUnderLoad implements AutoCloseable {
    private static final int TURN_NANOS = 1000;
    private static final int ADDRESS = 0x0a00_0001;
    private static final int PEER = 0x0a00_0002;
    private static final int PEER_PORT = 4000;
    private static final int TCP = Ipv4Header.MIN_LENGTH;
    private static final int DATA = TCP + TcpHeader.MIN_LENGTH;
    private static final int MTU = 1500;
    private static final int READ = 65_536;

    private final ManualTicker ticker = new ManualTicker();
    private final PlainLink link = new PlainLink();
    private final ByteBuf frame = Unpooled.directBuffer(MTU, MTU).writeZero(MTU);
    private final ByteBuf payload;
    private final HostStack host;
    private final Shard shard;
    private final TcpConnection connection;
    private final int port;
    private long bytesRead;
    private int peerNext = 1;

    /** @param bytes what each {@link #write} writes */
    ShardUnderLoad(int bytes) throws IOException {
        payload = Unpooled.directBuffer(bytes, bytes).writeZero(bytes);
        host = new HostStack(new HostConfiguration(
                link,
                MacAddress.locallyAdministered(1),
                List.of(new HostConfiguration.Address(IpAddress.v4(ADDRESS), 24)),
                List.of(),
                MTU,
                new TcpParameters(),
                1,
                true));
        shard = host.newShard(new Loop());
        turn();
        connection = shard.connect(
                new TcpSettings().noDelay(true), null, 0, IpAddress.v4(PEER), PEER_PORT, (c, events) -> read(c));
        connection.flush(ticker.nanoTime());
        turn();
        port = link.sentSourcePort;
        receive(TcpHeader.SYN | TcpHeader.ACK, 0);
        peerNext++;
        turn();
        write();
        turn();
        if (link.sentPayload != bytes) {
            throw new IllegalStateException("the connection does not send: " + connection);
        }
    }

    private void read(TcpConnection c) {
        for (ByteBuf data = c.read(READ); data != null; data = c.read(READ)) {
            bytesRead += data.readableBytes();
            data.release();
        }
    }

    /** Has the next turn receive a segment from the peer, which acknowledges all that was sent. */
    void receive(int flags, int bytes) {
        Ipv4Header.write(frame, 0, 0, DATA + bytes, 0, Ipv4Header.DONT_FRAGMENT, 64, IpProtocol.TCP, PEER, ADDRESS);
        TcpHeader.write(frame, TCP, PEER_PORT, port, peerNext, link.sentEnd, TcpHeader.MIN_LENGTH, flags, 65_535, 0);
        peerNext += bytes;
        link.waiting = DATA + bytes;
    }

    /** Writes to the connection. */
    void write() {
        connection.write(payload, 0, payload.writerIndex(), false);
        connection.flush(ticker.nanoTime());
    }

    /** Runs a turn; returns what nobody can know before. */
    long turn() {
        ticker.now += TURN_NANOS;
        shard.runTurn();
        return bytesRead + link.sentEnd;
    }

    @Override
    public void close() {
        shard.close();
        host.close();
        frame.release();
        payload.release();
    }

    private static final class ManualTicker implements Ticker {
        private long now;

        @Override
        public long initialNanoTime() {
            return 0;
        }

        @Override
        public long nanoTime() {
            return now;
        }

        @Override
        public void sleep(long delay, TimeUnit unit) {
            now += unit.toNanos(delay);
        }
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
        public void wakeup() {}

        @Override
        public Ticker ticker() {
            return ticker;
        }

        @Override
        public ByteBufAllocator allocator() {
            return PooledByteBufAllocator.DEFAULT;
        }
    }

    private final class PlainLink implements Link, LinkQueue {
        private final InboundFrame inbound = new InboundFrame();
        private LinkReceiver receiver;
        /** Bytes of the frame that is to be delivered. */
        private int waiting;

        private int sentSourcePort;
        private int sentPayload;
        /** The sequence number after the last that was sent. */
        private int sentEnd;

        @Override
        public void transmit(OutboundFrame out) {
            ByteBuf header = out.header();
            int tcp = out.headerStart() + TCP;
            sentSourcePort = TcpHeader.sourcePort(header, tcp);
            sentPayload = out.payloadBytes();
            sentEnd = TcpHeader.sequenceNumber(header, tcp)
                    + sentPayload
                    + (TcpHeader.flags(header, tcp) & TcpHeader.SYN) / TcpHeader.SYN;
        }

        @Override
        public int poll(int maxFrames) {
            if (waiting == 0) {
                return 0;
            }
            inbound.set(frame, 0, waiting).checksum(InboundFrame.Checksum.VALID);
            waiting = 0;
            receiver.onFrame(inbound);
            return 1;
        }

        @Override
        public LinkQueue openQueue(LinkReceiver to, Runnable wakeup, ByteBufAllocator allocator) {
            receiver = to;
            return this;
        }

        @Override
        public String name() {
            return "plain";
        }

        @Override
        public Medium medium() {
            return Medium.IP;
        }

        @Override
        public int mtu() {
            return MTU;
        }

        @Override
        public int maxReceiveQueues() {
            return 1;
        }

        @Override
        public int maxSegmentationBytes() {
            return 0xffff;
        }

        @Override
        public void flush() {}

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
}
