/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.host.IslaHostAddress;
import io.isla.netty.host.IslaHostListener;
import io.isla.netty.link.TunLink;
import io.isla.netty.testing.Commands;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.testing.RequiresProgram;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DatagramPacket;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A host on a TUN, the kernel's sockets and curl at its other end. */
@KernelTest
@Timeout(120)
class TunHostTest {
    private static final int BYTES = 100_000_000;
    private static final int PORT = 80;

    /** Of what is transferred: goes into no size of segment or buffer. */
    private static final int PERIOD = 251;

    /** What is transferred, over and over. */
    private static final ByteBuf PATTERN = pattern();

    private static ByteBuf pattern() {
        byte[] bytes = new byte[PERIOD * 8000];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i % PERIOD);
        }
        return Unpooled.unreleasableBuffer(Unpooled.wrappedBuffer(bytes));
    }

    private IslaHost host;
    private EventLoopGroup group;

    private void open(boolean offload) throws Exception {
        host = IslaHost.builder()
                .link(TunLink.builder("tun1")
                        .offload(offload)
                        .queues(2)
                        .hostAddress(InetAddress.getByName("10.93.0.1"), 24)
                        .hostAddress(InetAddress.getByName("fd93::1"), 64)
                        .open())
                .address("10.93.0.2/24")
                .address("fd93::2/64")
                .closeWhenUnused(true)
                .build();
        group = new IslaEventLoopGroup(2, host);
    }

    @AfterEach
    void close() throws Exception {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        assertThat(host.isClosed()).isTrue();
    }

    /** Sends as much as is asked for with GET, and counts what comes with PUT. */
    private static final class Http extends SimpleChannelInboundHandler<ByteBuf> {
        private final StringBuilder head = new StringBuilder();
        private boolean inBody;
        private long received;
        private boolean good = true;

        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf bytes) {
            while (!inBody && bytes.isReadable()) {
                head.append((char) bytes.readByte());
                if (head.length() >= 4 && head.substring(head.length() - 4).equals("\r\n\r\n")) {
                    inBody = true;
                    if (head.charAt(0) == 'G') {
                        sendBody(context);
                    }
                }
            }
            int length = bytes.readableBytes();
            if (length > 0) {
                good &= bytes.equals(PATTERN.slice((int) (received % PERIOD), length));
                received += length;
            }
            if (received == BYTES) {
                String answer = good ? "good" : "bad";
                context.writeAndFlush(Unpooled.copiedBuffer(
                                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + answer.length()
                                        + "\r\n\r\n" + answer,
                                StandardCharsets.US_ASCII))
                        .addListener(ChannelFutureListener.CLOSE);
            }
        }

        private static void sendBody(ChannelHandlerContext context) {
            context.write(Unpooled.copiedBuffer(
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + BYTES + "\r\n\r\n",
                    StandardCharsets.US_ASCII));
            ByteBuf piece = Unpooled.directBuffer(PATTERN.readableBytes()).writeBytes(PATTERN.duplicate());
            for (int left = BYTES; left > 0; left -= piece.readableBytes()) {
                context.write(piece.retainedSlice(0, Math.min(left, piece.readableBytes())));
            }
            piece.release();
            context.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
        }
    }

    private void serve() throws Exception {
        new ServerBootstrap()
                .group(group)
                .channel(IslaServerSocketChannel.class)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new Http());
                    }
                })
                .bind(PORT)
                .sync();
    }

    @RequiresProgram("curl")
    @ParameterizedTest(name = "{0}, offload: {1}")
    @CsvSource({"10.93.0.2, true", "10.93.0.2, false", "[fd93::2], true"})
    void curlGetsAndPutsAHundredMegabytes(String address, boolean offload, @TempDir Path directory) throws Exception {
        open(offload);
        serve();

        Process curl = Commands.start("curl --silent --show-error --globoff --max-time 60 http://" + address + "/");
        long received = 0;
        boolean good = true;
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = curl.getInputStream()) {
            for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
                good &= PATTERN.slice((int) (received % PERIOD), length)
                        .equals(Unpooled.wrappedBuffer(buffer, 0, length));
                received += length;
            }
        }
        assertThat(curl.waitFor()).isZero();
        assertThat(received).isEqualTo(BYTES);
        assertThat(good).as("every byte as it was sent").isTrue();

        Path file = directory.resolve("upload");
        try (OutputStream out = Files.newOutputStream(file)) {
            for (int left = BYTES; left > 0; left -= PATTERN.readableBytes()) {
                out.write(PATTERN.array(), 0, Math.min(left, PATTERN.readableBytes()));
            }
        }
        assertThat(Commands.run(
                        60,
                        "curl --silent --show-error --globoff --max-time 60 --header Expect: --upload-file " + file
                                + " http://" + address + "/"))
                .isEqualTo("good");
        long frames = host.counters().get("LinkRX_FRAMES") + host.counters().get("LinkTX_FRAMES");
        if (offload) {
            // 200 MB and the acknowledgements.
            assertThat(frames).as("frames, most of which are many segments").isLessThan(50_000);
        } else {
            assertThat(frames).as("frames of the MTU").isGreaterThan(130_000);
        }
    }

    @ParameterizedTest(name = "{0}, offload: {2}")
    @CsvSource({
        "10.93.0.1, 10.93.0.2, true",
        "10.93.0.1, 10.93.0.2, false",
        "fd93::1, fd93::2, true",
        "fd93::1, fd93::2, false"
    })
    void datagramsGoBothWays(String kernel, String isla, boolean offload) throws Exception {
        open(offload);
        new Bootstrap()
                .group(group)
                .channel(IslaDatagramChannel.class)
                .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(9000))
                .handler(new SimpleChannelInboundHandler<DatagramPacket>() {
                    @Override
                    protected void channelRead0(ChannelHandlerContext context, DatagramPacket packet) {
                        context.writeAndFlush(
                                new DatagramPacket(packet.content().retain(), packet.sender()));
                    }
                })
                .bind(isla, 7)
                .sync();
        try (DatagramSocket socket = new DatagramSocket(new InetSocketAddress(kernel, 0))) {
            socket.setSoTimeout(30_000);
            // One packet, and several fragments.
            for (int size : new int[] {100, 5000}) {
                byte[] data = Arrays.copyOf(PATTERN.array(), size);
                socket.send(new java.net.DatagramPacket(data, size, new InetSocketAddress(isla, 7)));
                java.net.DatagramPacket answer = new java.net.DatagramPacket(new byte[9000], 9000);
                socket.receive(answer);
                assertThat(answer.getLength()).isEqualTo(size);
                assertThat(answer.getData()).startsWith(data);
            }
        }
    }

    @Test
    void connectsToTheKernelAndNeedsNoGatewayForWhatIsBehindIt() throws Exception {
        open(true);
        Commands.run(20, "ip address add 192.0.2.1/32 dev lo");
        Commands.run(20, "ip address add 2001:db8::1/128 dev lo nodad");
        try (ServerSocket server = new ServerSocket(0)) {
            for (String address : new String[] {"10.93.0.1", "fd93::1", "192.0.2.1", "2001:db8::1"}) {
                CompletableFuture<String> received = new CompletableFuture<>();
                Channel channel = new Bootstrap()
                        .group(group)
                        .channel(IslaSocketChannel.class)
                        .handler(new SimpleChannelInboundHandler<ByteBuf>() {
                            @Override
                            protected void channelRead0(ChannelHandlerContext context, ByteBuf message) {
                                received.complete(message.toString(StandardCharsets.US_ASCII));
                            }
                        })
                        .connect(new InetSocketAddress(address, server.getLocalPort()))
                        .sync()
                        .channel();
                try (Socket accepted = server.accept()) {
                    accepted.getOutputStream().write(address.getBytes(StandardCharsets.US_ASCII));
                    assertThat(received.get(10, TimeUnit.SECONDS)).isEqualTo(address);
                }
                channel.close().sync();
            }
        } finally {
            Commands.run(20, "ip address delete 192.0.2.1/32 dev lo");
            Commands.run(20, "ip address delete 2001:db8::1/128 dev lo");
        }
    }

    @Test
    @RequiresProgram({"radvd", "ping"})
    void configuresItselfFromRouterAdvertisements(@TempDir Path directory) throws Exception {
        host = IslaHost.builder()
                .link(TunLink.builder("tun1")
                        .hostAddress(InetAddress.getByName("fd92::1"), 64)
                        .open())
                .slaac(true)
                .closeWhenUnused(true)
                .build();
        BlockingQueue<InetAddress> added = new LinkedBlockingQueue<>();
        host.addListener(new IslaHostListener() {
            @Override
            public void addressAdded(IslaHost told, IslaHostAddress address) {
                added.add(address.address());
            }
        });
        group = new IslaEventLoopGroup(2, host);
        Path configuration = Files.writeString(directory.resolve("radvd.conf"), """
                interface tun1 {
                    AdvSendAdvert on;
                    MinRtrAdvInterval 3;
                    MaxRtrAdvInterval 4;
                    prefix fd92::/64 { };
                };
                """);
        Process radvd = Commands.start("radvd -n -C " + configuration + " -p " + directory.resolve("pid"));
        try {
            InetAddress own;
            do {
                own = added.poll(20, TimeUnit.SECONDS);
                assertThat(own).as("an address").isNotNull();
            } while (own.isLinkLocalAddress());
            assertThat(own.getHostAddress()).startsWith("fd92:");
            assertThat(Commands.run(30, "ping -n -c 3 -i 0.05 -w 20 " + own.getHostAddress()))
                    .containsPattern("[3-9] received");
        } finally {
            radvd.destroy();
            radvd.waitFor();
        }
    }
}
