/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.TapLink;
import io.isla.netty.testing.KernelTest;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How event loops on a TAP device end, with sockets of the kernel at the other end. */
@KernelTest
@Timeout(60)
class TapShutdownTest {
    private static final String DEVICE = "ending0";
    private static final String ISLA = "10.11.0.2";
    private static final int PORT = 80;
    private static final byte[] REPLY = new byte[400_000];

    static {
        new Random(1).nextBytes(REPLY);
    }

    private final List<Thread> threads = new CopyOnWriteArrayList<>();

    @AfterEach
    void nothingIsLeft() throws Exception {
        for (Thread thread : threads) {
            thread.join(TimeUnit.SECONDS.toMillis(TwoHosts.DEADLINE_SECONDS));
            assertThat(thread.isAlive()).isFalse();
        }
        // The device was made with the link, and goes with it.
        assertThat(NetworkInterface.getByName(DEVICE)).isNull();
    }

    private static IslaHost host(int queues) throws IOException {
        return IslaHost.builder()
                .link(TapLink.builder(DEVICE)
                        .queues(queues)
                        .hostAddress(InetAddress.getByName("10.11.0.1"), 24)
                        .open())
                .address(ISLA + "/24")
                .closeWhenUnused(true)
                .build();
    }

    private EventLoopGroup group(int loops, IslaHost host) {
        return new IslaEventLoopGroup(
                loops,
                new DefaultThreadFactory("ending") {
                    @Override
                    protected Thread newThread(Runnable runnable, String name) {
                        Thread thread = super.newThread(runnable, name);
                        threads.add(thread);
                        return thread;
                    }
                },
                host);
    }

    /** Serves the reply to everyone who connects. */
    private static Channel serve(EventLoopGroup group, CountDownLatch written) throws InterruptedException {
        return new ServerBootstrap()
                .group(group)
                .channel(IslaServerSocketChannel.class)
                .childOption(ChannelOption.SO_SNDBUF, 2 * REPLY.length)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new ChannelInboundHandlerAdapter() {
                            @Override
                            public void channelActive(ChannelHandlerContext context) {
                                context.writeAndFlush(Unpooled.wrappedBuffer(REPLY))
                                        .addListener(future -> written.countDown());
                            }
                        });
                    }
                })
                .bind(PORT)
                .sync()
                .channel();
    }

    private static Socket connect() throws IOException {
        Socket socket = new Socket();
        // So little that most of the reply is still to come.
        socket.setReceiveBufferSize(16 * 1024);
        socket.setSoTimeout((int) TimeUnit.SECONDS.toMillis(TwoHosts.DEADLINE_SECONDS));
        socket.connect(new InetSocketAddress(ISLA, PORT), 10_000);
        return socket;
    }

    @Test
    void aDeviceIsReleasedWithTheLastGroupAndCanBeHadAgain() throws Exception {
        for (int life = 0; life < 3; life++) {
            EventLoopGroup group = group(2, host(1));
            serve(group, new CountDownLatch(1));
            try (Socket socket = connect()) {
                assertThat(socket.getInputStream().readNBytes(REPLY.length)).isEqualTo(REPLY);
            }

            group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();

            assertThat(NetworkInterface.getByName(DEVICE)).isNull();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void connectionsOfAllLoopsFinishWithinTheQuietPeriod(int queues) throws Exception {
        int connections = 8;
        EventLoopGroup group = group(2, host(queues));
        CountDownLatch written = new CountDownLatch(connections);
        serve(group, written);
        List<Socket> sockets = new ArrayList<>();
        for (int i = 0; i < connections; i++) {
            sockets.add(connect());
        }
        written.await();

        group.shutdownGracefully(200, 20_000, TimeUnit.MILLISECONDS);

        for (Socket socket : sockets) {
            assertThat(socket.getInputStream().readAllBytes()).isEqualTo(REPLY);
            socket.close();
        }
        assertThat(group.awaitTermination(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS))
                .isTrue();
    }

    @Test
    void connectionsThatDoNotFinishAreResetAfterTheTimeout() throws Exception {
        EventLoopGroup group = group(2, host(1));
        CountDownLatch written = new CountDownLatch(1);
        serve(group, written);
        try (Socket socket = connect()) {
            written.await();

            group.shutdownGracefully(100, 500, TimeUnit.MILLISECONDS).sync();

            assertThatThrownBy(() -> socket.getInputStream().readAllBytes())
                    .isInstanceOf(IOException.class)
                    .isNotInstanceOf(SocketTimeoutException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aGroupHearsOnWhenTheOneThatHasReceivedShutsDown(int queues) throws Exception {
        IslaHost host = host(queues);
        EventLoopGroup first = group(2, host);
        EventLoopGroup second = group(2, host);
        serve(second, new CountDownLatch(1));

        first.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();

        for (int i = 0; i < 4; i++) {
            try (Socket socket = connect()) {
                assertThat(socket.getInputStream().readNBytes(REPLY.length)).isEqualTo(REPLY);
            }
        }
        second.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
    }
}
