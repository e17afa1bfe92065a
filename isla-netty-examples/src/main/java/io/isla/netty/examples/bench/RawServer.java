/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.TapLink;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The ceiling: {@link RawResponder}s on the queues of a TAP device, one on each event loop. It waits for frames as Isla does by default: looks
 * again for some microseconds, then lets others run, then blocks.
 */
public final class RawServer implements AutoCloseable, ControlLoop.Handler {
    private static final int BATCH = 64;
    /** For how long it looks again when there is nothing. */
    private static final long SPIN_NANOS = 5_000;
    /** For how long it goes on to look, and lets others run between. */
    private static final long YIELD_NANOS = 20_000;

    private final TapLink link;
    private final MultiThreadIoEventLoopGroup group;
    private final List<RawResponder> responders = new ArrayList<>();

    private RawServer(TapLink link, Inet4Address address, int loops) throws IOException, InterruptedException {
        this.link = link;
        group = new MultiThreadIoEventLoopGroup(loops, EpollIoHandler.newFactory());
        for (int i = 0; i < loops; i++) {
            RawResponder responder = new RawResponder(link.mtu(), address);
            LinkQueue queue = link.openQueue(responder, () -> {}, PooledByteBufAllocator.DEFAULT);
            responders.add(responder);
            responder.queue(queue);
            IoRegistration registration = group.next()
                    .register(new SpinningHandle((EpollIoHandle) queue.ioHandle(), queue, responder))
                    .sync()
                    .getNow();
            registration.submit(EpollIoOps.EPOLLIN);
        }
    }

    /**
     * Starts to answer.
     *
     * @param link becomes the server's
     * @param address the IPv4 address that it answers for, at all ports
     */
    public static RawServer start(TapLink link, InetAddress address, int loops)
            throws IOException, InterruptedException {
        if (address instanceof Inet4Address v4) {
            return new RawServer(link, v4, loops);
        }
        throw new IllegalArgumentException("--address: not an IPv4 address: " + address.getHostAddress());
    }

    /** Answers {@code stats}. Any thread. */
    @Override
    public Map<String, ?> handle(List<String> words) {
        if (!words.get(0).equals("stats")) {
            throw new IllegalArgumentException("what is " + words);
        }
        return Map.of(
                "nanos",
                System.nanoTime(),
                "allocated",
                JvmMemory.allocatedBytes(),
                "accepted",
                0,
                "received",
                responders.stream().mapToLong(RawResponder::received).sum());
    }

    @Override
    public void close() {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
        responders.forEach(RawResponder::close);
        link.close();
    }

    /** Goes on looking for frames for a while after each. */
    private record SpinningHandle(EpollIoHandle handle, LinkQueue queue, RawResponder responder)
            implements EpollIoHandle {
        @Override
        public FileDescriptor fd() {
            return handle.fd();
        }

        @Override
        public void handle(IoRegistration registration, IoEvent event) {
            handle.handle(registration, event);
            flush();
            long idleSince = System.nanoTime();
            for (long idle = 0; idle < YIELD_NANOS; idle = System.nanoTime() - idleSince) {
                if (queue.poll(BATCH) > 0) {
                    flush();
                    idleSince = System.nanoTime();
                } else if (idle < SPIN_NANOS) {
                    Thread.onSpinWait();
                } else {
                    Thread.yield();
                }
            }
        }

        private void flush() {
            responder.acknowledgeUpload();
            queue.flush();
        }

        @Override
        public void close() {
            try {
                handle.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
