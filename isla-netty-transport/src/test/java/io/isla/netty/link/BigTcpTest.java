/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static io.isla.netty.link.IpCommand.ip;
import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.channel.IslaEventLoopGroup;
import io.isla.netty.channel.IslaServerSocketChannel;
import io.isla.netty.host.IslaHost;
import io.isla.netty.testing.KernelTest;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.MessageDigest;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets longer than an IP header can tell, to the kernel's TCP. */
@KernelTest
@Timeout(60)
class BigTcpTest {
    private static final int CHUNK = 1 << 20;
    private static final int CHUNKS = 48;
    /** The longest frame with a packet that tells its length. */
    private static final int ORDINARY = 65_535 + 40 + 14;

    private final AtomicInteger longest = new AtomicInteger();
    private EventLoopGroup group;
    private volatile LinkQueue tapQueue;

    @AfterEach
    void close() throws Exception {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
    }

    /** Looks how long frames are. */
    private final class Measuring extends ForwardingLink {
        Measuring(Link link) {
            super(link);
        }

        @Override
        public LinkQueue openQueue(LinkReceiver receiver, Runnable wakeup, ByteBufAllocator allocator)
                throws IOException {
            tapQueue = link().openQueue(receiver, wakeup, allocator);
            return new ForwardingQueue(tapQueue) {
                @Override
                public void transmit(OutboundFrame frame) {
                    longest.accumulateAndGet(frame.length(), Math::max);
                    super.transmit(frame);
                }
            };
        }
    }

    /** Sends the same bytes again and again, and closes. */
    private static final class Sender extends ChannelInboundHandlerAdapter {
        private int sent;

        @Override
        public void channelActive(ChannelHandlerContext ctx) {
            send(ctx);
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext ctx) {
            send(ctx);
        }

        private void send(ChannelHandlerContext ctx) {
            while (ctx.channel().isWritable() && sent < CHUNKS) {
                ByteBuf chunk = ctx.alloc().directBuffer(CHUNK, CHUNK).writeBytes(chunk(sent++));
                boolean last = sent == CHUNKS;
                ChannelFuture written = ctx.writeAndFlush(chunk);
                if (last) {
                    written.addListener(ChannelFutureListener.CLOSE);
                }
            }
        }
    }

    private static byte[] chunk(int number) {
        byte[] bytes = new byte[CHUNK];
        new Random(number).nextBytes(bytes);
        return bytes;
    }

    private static byte[] digestOfAll() throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (int i = 0; i < CHUNKS; i++) {
            digest.update(chunk(i));
        }
        return digest.digest();
    }

    @ParameterizedTest(name = "{0}, BIG TCP: {1}, {2} to {4}")
    @CsvSource({
        "TAP, true, 10.97.0.1, 24, 10.97.0.1",
        "TAP, false, 10.97.0.1, 24, 10.97.0.1",
        "TAP, true, fd97::1, 64, fd97::1",
        "TAP, false, fd97::1, 64, fd97::1",
        "TUN, true, 10.97.0.1, 24, 10.97.0.1",
        "TUN, true, fd97::1, 64, fd97::1",
        // Behind a router, as far as Isla knows: it may have to split what it is given all by itself.
        "TAP, true, 10.97.0.1, 24, 10.99.0.1",
    })
    void goWhereTheyArriveAsTheyAre(String kind, boolean big, String host, int prefixLength, String client)
            throws Exception {
        DeviceLinkBuilder<?, ?> builder = kind.equals("TUN") ? TunLink.builder("big0") : TapLink.builder("big0");
        // What is big follows small ones that wait, in the same system call or in the next.
        builder.hostAddress(InetAddress.getByName(host), prefixLength)
                .bigTcp(big)
                .ioUring(kind.equals("TAP"));
        if (!client.equals(host)) {
            builder.hostAddress(InetAddress.getByName(client), 32);
        }
        String own = prefixLength == 24 ? "10.97.0.2" : "fd97::2";
        serve(builder.open(), own, prefixLength, host);

        assertThat(download(client, own)).isEqualTo(digestOfAll());
        if (big && client.equals(host)) {
            assertThat(longest.get()).isBetween(2 * ORDINARY, 262_144);
        } else {
            assertThat(longest.get()).isLessThanOrEqualTo(ORDINARY);
        }
    }

    @ParameterizedTest(name = "io_uring: {0}")
    @ValueSource(booleans = {true, false})
    void goInPartsToABridge(boolean ioUring) throws Exception {
        TapLink tap = TapLink.builder("big0").ioUring(ioUring).open();
        ip("link add bigbr0 type bridge");
        try {
            ip("link set bigbr0 up");
            ip("address add 10.97.0.1/24 dev bigbr0");
            ip("link set big0 master bigbr0");
            serve(tap, "10.97.0.2", 24, "10.97.0.1");

            assertThat(download("10.97.0.1", "10.97.0.2")).isEqualTo(digestOfAll());
            assertThat(tapQueue.count(LinkCounter.TX_FRAMES))
                    .isGreaterThan(tapQueue.count(LinkCounter.TX_BYTES) / ORDINARY);

            // Out of the bridge, all is as before.
            ip("link set big0 nomaster");
            ip("address del 10.97.0.1/24 dev bigbr0");
            ip("address add 10.97.0.1/24 dev big0");
            long frames = tapQueue.count(LinkCounter.TX_FRAMES);
            long bytes = tapQueue.count(LinkCounter.TX_BYTES);
            assertThat(download("10.97.0.1", "10.97.0.2")).isEqualTo(digestOfAll());
            assertThat(tapQueue.count(LinkCounter.TX_FRAMES) - frames)
                    .isLessThan((tapQueue.count(LinkCounter.TX_BYTES) - bytes) / ORDINARY);
        } finally {
            ip("link delete bigbr0");
        }
    }

    private void serve(DeviceLink device, String own, int prefixLength, String gateway) throws Exception {
        group = new IslaEventLoopGroup(
                1,
                IslaHost.builder()
                        .link(new Measuring(device))
                        .address(own + "/" + prefixLength)
                        .gateway(gateway)
                        .closeWhenUnused(true)
                        .build());
        new ServerBootstrap()
                .group(group)
                .channel(IslaServerSocketChannel.class)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new Sender());
                    }
                })
                .bind(own, 80)
                .sync();
    }

    /** What all that a server sends comes to. */
    private static byte[] download(String client, String server) throws Exception {
        MessageDigest received = MessageDigest.getInstance("SHA-256");
        try (Socket socket = new Socket()) {
            socket.setReceiveBufferSize(8 * CHUNK);
            socket.bind(new InetSocketAddress(client, 0));
            socket.connect(new InetSocketAddress(server, 80), 20_000);
            socket.setSoTimeout(20_000);
            InputStream in = socket.getInputStream();
            byte[] buffer = new byte[CHUNK];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                received.update(buffer, 0, n);
            }
        }
        return received.digest();
    }
}
