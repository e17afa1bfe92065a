/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.counter.Counters;
import io.isla.netty.link.DeviceLink;
import io.isla.netty.link.DeviceLinkBuilder;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.LinkQueue;
import io.isla.netty.link.LinkReceiver;
import io.isla.netty.link.MacAddress;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.timer.TimerWheel;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollIoOps;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** One stack on a TAP or TUN and an event loop of its own, with the kernel at the other end. */
final class KernelPeer {
    private static final long DEADLINE_SECONDS = 20;

    final IpStack stack;
    final Counters<IpCounter> counters = new Counters<>(IpCounter.class);
    private final DeviceLink link;
    private final LinkQueue queue;
    private final TimerWheel timers = new TimerWheel(System.nanoTime());
    private final MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final IoEventLoop loop = group.next();
    private final IoRegistration registration;
    private final Future<?> ticks;
    private final Deque<ByteBuf> loopedBack = new ArrayDeque<>();

    KernelPeer(DeviceLinkBuilder<?, ?> builder) throws Exception {
        link = builder.open();
        queue = link.openQueue(new Receiver(), () -> {}, PooledByteBufAllocator.DEFAULT);
        stack = new IpStack(
                new IpStack.Interface(
                        link.medium(),
                        link.mtu(),
                        link.maxSegmentationBytes(),
                        link.maxTcpSegmentationBytes(),
                        MacAddress.parse("02:00:5e:10:00:01"),
                        true),
                queue,
                this::loopBack,
                timers,
                PooledByteBufAllocator.DEFAULT,
                ThreadLocalRandom.current()::nextLong,
                counters);
        registration = loop.register((EpollIoHandle) queue.ioHandle()).sync().getNow();
        registration.submit(EpollIoOps.EPOLLIN);
        ticks = loop.scheduleAtFixedRate(this::turn, 1, 1, TimeUnit.MILLISECONDS);
    }

    /** Runs something on the event loop and waits for it. */
    <T> T onLoop(Callable<T> work) throws Exception {
        return loop.submit(() -> {
                    T result = work.call();
                    queue.flush();
                    return result;
                })
                .get(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    /** Waits until something is so, as seen on the event loop. */
    void await(String what, Callable<Boolean> condition) throws Exception {
        long start = System.nanoTime();
        while (!onLoop(condition)) {
            assertThat(System.nanoTime() - start).as(what).isLessThan(TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS));
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    /** Runs a command; returns what it prints, and fails if it fails. */
    static String run(String command) throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(command.split(" ")).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS))
                .as(command)
                .isTrue();
        assertThat(process.exitValue()).as("%s: %s", command, output).isZero();
        return output;
    }

    /** Whether there is such a command. */
    static boolean isInstalled(String command) {
        return Stream.of((System.getenv("PATH") + ":/usr/sbin:/sbin").split(":"))
                .anyMatch(directory -> new File(directory, command).canExecute());
    }

    private void turn() {
        while (!loopedBack.isEmpty()) {
            ByteBuf packet = loopedBack.remove();
            stack.receiveLoopback(new InboundFrame().set(packet, 0, packet.readableBytes()), System.nanoTime());
            packet.release();
        }
        timers.advance(System.nanoTime());
        queue.flush();
    }

    private void loopBack(OutboundFrame frame) {
        loopedBack.add(frame.copy(PooledByteBufAllocator.DEFAULT));
    }

    void close() throws Exception {
        ticks.cancel(false);
        onLoop(() -> {
            registration.cancel();
            stack.close();
            loopedBack.forEach(ByteBuf::release);
            queue.close();
            return null;
        });
        link.close();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
    }

    private final class Receiver implements LinkReceiver {
        @Override
        public void onFrame(InboundFrame frame) {
            stack.receive(frame, System.nanoTime());
        }

        @Override
        public void onLinkFailure(IOException cause) {}
    }
}
