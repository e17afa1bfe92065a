/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.LinkCounter;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.LinkReceiver;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SoftwareSegmentation;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.IoHandle;
import java.io.IOException;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * The network interface of a host, from one start of the host to its end: joins the host's stack to the network. Packets leave it as they are on a wire, split to
 * the MTU and with their checksums.
 */
final class VirtualNic extends SimulatedInterface {
    /** As many frames as the receive ring of a network adapter holds. */
    private static final int RING = 4096;

    private final VirtualHost host;
    private final VirtualNetwork network;
    private volatile boolean unplugged;
    private volatile NicQueue queue;

    VirtualNic(VirtualHost host, int mtu) {
        super(host.name(), mtu);
        this.host = host;
        network = host.network();
    }

    /** From now on nothing comes in or goes out. */
    void unplug() {
        unplugged = true;
    }

    /** Takes over a frame from the network. On the network's thread. */
    void arrive(ByteBuf frame) {
        NicQueue receiving = queue;
        if (unplugged || receiving == null) {
            frame.release();
        } else {
            receiving.arrive(frame);
        }
    }

    @Override
    public LinkQueue openQueue(LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator) throws IOException {
        if (unplugged) {
            throw new IOException("host " + host.name() + " is down");
        }
        NicQueue opened = new NicQueue(receiver, wakeup);
        if (queue == null) {
            queue = opened;
        }
        return opened;
    }

    @Override
    public void close() {
        unplug();
    }

    private final class NicQueue implements LinkQueue {
        private final LinkReceiver receiver;
        private final Runnable wakeup;
        private final SoftwareSegmentation segmentation = new SoftwareSegmentation(Medium.ETHERNET);
        private final SoftwareSegmentation.Sink sink = this::send;
        private final Queue<ByteBuf> ring = new ConcurrentLinkedQueue<>();
        private final AtomicInteger waiting = new AtomicInteger();
        private final InboundFrame inbound = new InboundFrame();
        private final AtomicLongArray counts = new AtomicLongArray(LinkCounter.values().length);
        private volatile boolean closed;

        NicQueue(LinkReceiver receiver, Runnable wakeup) {
            this.receiver = receiver;
            this.wakeup = wakeup;
        }

        private void count(LinkCounter counter, long amount) {
            counts.addAndGet(counter.ordinal(), amount);
        }

        private void arrive(ByteBuf frame) {
            if (waiting.get() >= RING) {
                host.ringFull();
                frame.release();
                return;
            }
            waiting.incrementAndGet();
            ring.add(frame);
            if (closed) {
                empty();
            } else if (!host.wake()) {
                wakeup.run();
            }
        }

        @Override
        public void transmit(OutboundFrame frame) {
            if (closed || unplugged) {
                count(LinkCounter.TX_LINK_DOWN, 1);
            } else {
                segmentation.send(frame, sink);
            }
        }

        private void send(OutboundFrame packet) {
            if (isTooLong(packet.length())) {
                count(LinkCounter.TX_TOO_LONG, 1);
                return;
            }
            count(LinkCounter.TX_FRAMES, 1);
            count(LinkCounter.TX_BYTES, packet.length());
            ByteBuf copy = network.allocator().heapBuffer(packet.length(), packet.length());
            packet.writeTo(copy);
            host.transmit(copy);
        }

        @Override
        public void flush() {}

        @Override
        public int poll(int maxFrames) {
            int frames = 0;
            while (frames < maxFrames && !closed) {
                ByteBuf frame = ring.poll();
                if (frame == null) {
                    break;
                }
                waiting.decrementAndGet();
                frames++;
                count(LinkCounter.RX_FRAMES, 1);
                count(LinkCounter.RX_BYTES, frame.readableBytes());
                try {
                    receiver.onFrame(inbound.set(frame, frame.readerIndex(), frame.readableBytes()));
                } finally {
                    frame.release();
                }
            }
            return frames;
        }

        @Override
        public IoHandle ioHandle() {
            return null;
        }

        @Override
        public long count(LinkCounter counter) {
            return counts.get(counter.ordinal());
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                empty();
                segmentation.release();
            }
        }

        /** The network may deliver while the host closes the queue. */
        private synchronized void empty() {
            for (ByteBuf frame = ring.poll(); frame != null; frame = ring.poll()) {
                frame.release();
            }
        }
    }
}
