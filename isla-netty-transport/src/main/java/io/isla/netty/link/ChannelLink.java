/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.netty.util.concurrent.Promise;
import io.netty.util.internal.ObjectUtil;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A link that any Netty {@link io.netty.channel.Channel} carries: for VPNs, gateways and tunnels. Each frame is one {@code ByteBuf} that is
 * read from the channel or written to it. With {@link Link.Medium#IP} frames are IP packets, with {@link Link.Medium#ETHERNET}, Ethernet
 * frames without a check sequence.
 *
 * <p>The link is there before its channel, and outlives it. It is up as long as an active channel has a {@link ChannelLinkHandler} for it
 * at the end of its pipeline; what is before that handler is the tunnel's own: framing, encryption, headers. Over a datagram channel that
 * is connected to the other end, nothing else is needed:
 *
 * <pre>{@code
 * ChannelLink link = ChannelLink.builder("vpn0", Link.Medium.IP).mtu(1400).build();
 *
 * new Bootstrap()
 *         .group(carrierGroup)
 *         .channel(NioDatagramChannel.class)
 *         .handler(new ChannelInitializer<>() {
 *             protected void initChannel(Channel channel) {
 *                 channel.pipeline().addLast(new MyEncryption(), new ChannelLinkHandler(link));
 *             }
 *         })
 *         .connect("vpn.example.net", 4789);
 *
 * IslaHost host = IslaHost.builder().link(link).address("10.8.0.2/24").build();
 * EventLoopGroup group = new IslaEventLoopGroup(1, host);
 *
 * link.whenUp().sync();
 * }</pre>
 *
 * <p>Over a stream, frames need a length each: a {@code LengthFieldBasedFrameDecoder} and a {@code LengthFieldPrepender} before the handler. Netty's
 * {@code LocalChannel} is a stream, too: it joins buffers that it finds waiting.
 *
 * <p>The channel may be of any kind, and on any event loop: one of a kernel's transport, one of this host's, one of another Isla host's.
 * The link drops as a device does, and never holds more than its {@linkplain Builder#capacity(int) queues} do: frames to be sent wait while the
 * channel is not {@linkplain io.netty.channel.Channel#isWritable() writable}, and frames that were read wait for the host's event loop;
 * those for which there is no room are dropped and counted ({@link LinkCounter#TX_QUEUE_FULL}, {@link LinkCounter#RX_QUEUE_FULL}).
 *
 * <p>When the channel is closed, the host is told that the link is {@linkplain LinkReceiver#onLinkDown down}; when another becomes active with
 * a handler for the link, that it is {@linkplain LinkReceiver#onLinkUp up} again. Closing the link does not close the channel.
 */
public final class ChannelLink extends InboxLink {
    /** The one that frames are sent by; {@code null} while the link is down. */
    private final AtomicReference<ChannelLinkHandler> carrier = new AtomicReference<>();

    /** What is counted on no queue's event loop. The first of the open queues tells it as its own. */
    private final AtomicLongArray counts = new AtomicLongArray(LinkCounter.values().length);

    /** Those who wait for the link to be up; guarded by itself. */
    private final List<Promise<Void>> waiting = new ArrayList<>();

    private ChannelLink(Builder builder) {
        super(builder.name, builder.medium, builder.mtu, builder.capacity, builder.receiveQueues);
    }

    /**
     * Describes a link.
     *
     * @param name for messages
     * @param medium what the channel carries: IP packets, or Ethernet frames
     */
    public static Builder builder(String name, Medium medium) {
        return new Builder(name, medium);
    }

    /** Describes a link. */
    public static final class Builder {
        private final String name;
        private final Medium medium;
        private int mtu = 1500;
        private int capacity = 1024;
        private int receiveQueues = 1;

        private Builder(String name, Medium medium) {
            this.name = ObjectUtil.checkNotNull(name, "name");
            this.medium = ObjectUtil.checkNotNull(medium, "medium");
        }

        /**
         * The largest IP packet that is sent, without an Ethernet header; 1,500 unless set. Over datagrams, what is before it in them (IP, UDP,
         * the tunnel's own headers) is to fit with it into the path's MTU. Larger packets are received.
         *
         * @param bytes 68 to 65,535; IPv6 needs 1,280
         */
        public Builder mtu(int bytes) {
            mtu = ObjectUtil.checkInRange(bytes, 68, 0xffff, "mtu");
            return this;
        }

        /**
         * How many frames may wait in each direction; 1,024 unless set.
         *
         * @param frames 2 to 65,536, rounded up to a power of two
         */
        public Builder capacity(int frames) {
            capacity = ObjectUtil.checkInRange(frames, 2, 0x1_0000, "capacity");
            return this;
        }

        /** How many event loops can receive; frames are spread over those that do by a hash of addresses and ports. 1 unless set. */
        public Builder receiveQueues(int count) {
            receiveQueues = ObjectUtil.checkPositive(count, "receiveQueues");
            return this;
        }

        /** Makes the link, which is down at first. */
        public ChannelLink build() {
            return new ChannelLink(this);
        }
    }

    /** Whether an active channel carries the link at present. Any thread. */
    @Override
    public boolean isUp() {
        return carrier.get() != null && !isClosed();
    }

    /**
     * Says when the link is up: at once if it is, else when an active channel carries it. What the host is then asked to do, such as to connect, finds
     * it up. That a channel is connected does not say so: Netty completes the promise of a connect before it tells the handlers, on another thread
     * perhaps, that the channel is active. Any thread.
     *
     * @return a new future each time, which fails with an {@link IOException} if the link is closed; its listeners are called on a thread of
     *     {@link GlobalEventExecutor}
     */
    public Future<Void> whenUp() {
        Promise<Void> promise = GlobalEventExecutor.INSTANCE.newPromise();
        synchronized (waiting) {
            waiting.removeIf(Promise::isCancelled);
            waiting.add(promise);
        }
        // After it is there to be found by who brings the link up.
        tellWaiting();
        return promise;
    }

    private void tellWaiting() {
        boolean closed = isClosed();
        if (!closed && !isUp()) {
            return;
        }
        List<Promise<Void>> told;
        synchronized (waiting) {
            told = List.copyOf(waiting);
            waiting.clear();
        }
        for (Promise<Void> promise : told) {
            if (closed) {
                promise.tryFailure(closedException());
            } else {
                promise.trySuccess(null);
            }
        }
    }

    @Override
    InboxQueue newQueue(LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator) {
        return new ChannelQueue(this, receiver, wakeup, allocator);
    }

    /**
     * Closes the link: its queues report a failure, and what is read from the channel is dropped. The channel stays as it is; frames that wait
     * for it are still written.
     */
    @Override
    public void close() {
        super.close();
        tellWaiting();
    }

    // ------------------------------------------------------------------------------------------------ for its handlers

    /** A channel carries the link from now on, instead of the one that may have done so. */
    void attach(ChannelLinkHandler handler) {
        carrier.set(handler);
        wakeAll();
        tellWaiting();
    }

    /** A channel does not carry the link any more. */
    void detach(ChannelLinkHandler handler) {
        if (carrier.compareAndSet(handler, null)) {
            wakeAll();
        }
    }

    /** A frame has been read from a channel; it is ours. Any thread. */
    void receive(ByteBuf frame) {
        InboxQueue queue = choose(frame, frame.readerIndex(), frame.readableBytes());
        if (queue == null) {
            frame.release();
            increment(LinkCounter.RX_QUEUE_FULL);
        } else if (!queue.inbox().offer(frame)) {
            increment(LinkCounter.RX_QUEUE_FULL);
        }
    }

    /** Counts what happens on no queue's event loop. Any thread. */
    void increment(LinkCounter counter) {
        counts.incrementAndGet(counter.ordinal());
    }

    // ------------------------------------------------------------------------------------------------ for its queues

    /** What sends frames; {@code null} while there is nothing. */
    ChannelLinkHandler carrier() {
        return carrier.get();
    }

    /** What was counted besides by a queue: for one queue only, so that the sum is right. */
    long count(ChannelQueue queue, LinkCounter counter) {
        return isFirst(queue) ? counts.get(counter.ordinal()) : 0;
    }

    /** A queue is about to be closed; what it has told of {@link #count} it tells for ever, and no other queue will. */
    long[] handOverCounts(ChannelQueue queue) {
        long[] told = new long[counts.length()];
        if (isFirst(queue)) {
            for (int i = 0; i < told.length; i++) {
                told[i] = counts.getAndSet(i, 0);
            }
        }
        return told;
    }

    @Override
    IOException downException() {
        return new IOException("link " + name() + " is down: no active channel has a ChannelLinkHandler for it");
    }
}
