/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.Link;
import io.isla.netty.link.TapLink;
import io.isla.netty.link.TunLink;
import io.isla.netty.testing.KernelTest;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernel routes whole prefixes into a device, and finds somebody at each address. */
@KernelTest
@Timeout(TwoHosts.DEADLINE_SECONDS)
class DeviceAnyAddressTest {
    private IslaHost host;
    private EventLoopGroup group;

    private void open(Link link) throws Exception {
        host = IslaHost.builder()
                .link(link)
                .address("10.94.0.2/24")
                .address("fd94::2/64")
                .addressBlock("10.194.0.0/16")
                .addressBlock("2001:db8:94::/64")
                .closeWhenUnused(true)
                .build();
        group = new IslaEventLoopGroup(2, host);
        group.next().submit(() -> {}).sync();
    }

    private void openTap() throws Exception {
        open(TapLink.builder("any0")
                .queues(2)
                .hostAddress(InetAddress.getByName("10.94.0.1"), 24)
                .open());
        // On the link itself: the kernel looks for each address. No wait for its own to be found free.
        run("ip address add fd94::1/64 dev any0 nodad");
        run("ip route add 10.194.0.0/16 dev any0");
        run("ip -6 route add 2001:db8:94::/64 dev any0");
        // By way of the host.
        run("ip route add 198.18.0.0/15 via 10.94.0.2");
        run("ip -6 route add 2001:db8:95::/48 via fd94::2");
    }

    @AfterEach
    void close() throws Exception {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
    }

    private static String run(String command) throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(command.split(" ")).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(command + "\n" + output).isZero();
        return output;
    }

    private ServerBootstrap server() {
        return new ServerBootstrap()
                .group(group)
                .channel(IslaServerSocketChannel.class)
                .childHandler(new ChannelInboundHandlerAdapter() {
                    @Override
                    public boolean isSharable() {
                        return true;
                    }

                    @Override
                    public void channelActive(ChannelHandlerContext context) {
                        InetSocketAddress dialled =
                                (InetSocketAddress) context.channel().localAddress();
                        context.writeAndFlush(Unpooled.copiedBuffer(
                                        dialled.getAddress().getHostAddress() + " " + dialled.getPort(),
                                        StandardCharsets.US_ASCII))
                                .addListener(ChannelFutureListener.CLOSE);
                    }
                });
    }

    private static String dial(String address, int port) throws IOException {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(address, port), 5000);
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.194.7.8", "10.194.255.254", "2001:db8:94:0:1:2:3:4"})
    void theKernelFindsEachAddressOfABlockOnItsLink(String address) throws Exception {
        openTap();
        server().bind("::", 80).sync();
        assertThat(dial(address, 80)).isEqualTo(address + " 80");
        assertThat(run("ping -n -c 3 -i 0.05 -w 10 " + address)).contains("3 received");
    }

    @Test
    void theKernelConnectsToAnyAddressAndPortBehindTheHost() throws Exception {
        openTap();
        connectToWhateverThereIs();
    }

    @Test
    void theKernelConnectsToAnyAddressAndPortAtTheEndOfATunnel() throws Exception {
        open(TunLink.builder("any1")
                .queues(2)
                .hostAddress(InetAddress.getByName("10.94.0.1"), 24)
                .open());
        run("ip address add fd94::1/64 dev any1 nodad");
        run("ip route add 198.18.0.0/15 dev any1");
        run("ip -6 route add 2001:db8:95::/48 dev any1");
        connectToWhateverThereIs();
    }

    private void connectToWhateverThereIs() throws Exception {
        server().option(IslaChannelOption.IP_TRANSPARENT, true)
                .option(IslaChannelOption.ANY_PORT, true)
                .option(IslaChannelOption.SYN_HANDLER, request -> {
                    if (request.localAddress().getPort() == 23) {
                        request.reject();
                    } else {
                        request.accept();
                    }
                })
                .bind("::", 0)
                .sync();
        for (String address : new String[] {"198.18.0.1", "198.19.255.255", "2001:db8:95:0:0:0:0:1"}) {
            for (int port : new int[] {1, 80, 65_535}) {
                assertThat(dial(address, port)).isEqualTo(address + " " + port);
            }
            assertThat(org.assertj.core.api.Assertions.catchThrowable(() -> dial(address, 23)))
                    .isInstanceOf(ConnectException.class);
        }
    }
}
