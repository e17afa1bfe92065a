/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.isla.netty.channel.IslaChannelOption;
import io.isla.netty.channel.IslaEventLoopGroup;
import io.isla.netty.channel.IslaServerSocketChannel;
import io.isla.netty.channel.IslaSocketChannel;
import io.isla.netty.channel.IslaTcpInfo;
import io.isla.netty.link.MemoryLink;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.Promise;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class TcpConfigurationTest {
    private static IslaHostBuilder host(String address, io.isla.netty.link.Link link) {
        return IslaHost.builder().link(link).address(address);
    }

    private static void isRefused(Consumer<TcpConfiguration> settings, String... message) {
        IslaHostBuilder builder =
                host("198.51.100.1/24", MemoryLink.pair("a", "b").first()).tcp(settings);
        var refused = assertThatIllegalArgumentException().isThrownBy(builder::build);
        for (String part : message) {
            refused.withMessageContaining(part);
        }
    }

    @Test
    void saysWhenTheHostIsBuiltWhatItDoesNotTake() {
        isRefused(tcp -> tcp.congestionControl("vegas"), "congestionControl", "'vegas'", "cubic, reno");
        isRefused(tcp -> tcp.congestionControl(null), "congestionControl");
        isRefused(tcp -> tcp.minRetransmissionTimeout(Duration.ZERO), "minRetransmissionTimeout", "PT0S");
        isRefused(tcp -> tcp.minRetransmissionTimeout(Duration.ofMinutes(5)), "minRetransmissionTimeout", "PT2M");
        isRefused(tcp -> tcp.receiveBuffer(1 << 20, 1 << 10), "receiveBuffer");
        isRefused(tcp -> tcp.sendBuffer(1, (1 << 30) + 1), "sendBuffer", "1073741824");
        isRefused(tcp -> tcp.initialWindow(0), "initialWindow", "1 to 1000");
        isRefused(tcp -> tcp.ephemeralPorts(40_000, 30_000), "ephemeralPorts");
        isRefused(tcp -> tcp.ephemeralPorts(1, 70_000), "ephemeralPorts");
    }

    @Test
    void holdsForTheConnectionsOfTheHost() throws Exception {
        MemoryLink.Pair link = MemoryLink.pair("client", "server");
        IslaHost server = host("10.0.0.2/24", link.second()).build();
        IslaHost client = host("10.0.0.1/24", link.first())
                .tcp(tcp -> tcp.congestionControl("reno")
                        .ecn(TcpConfiguration.Ecn.REQUEST)
                        .mtuProbing(TcpConfiguration.MtuProbing.ALWAYS)
                        .minRetransmissionTimeout(Duration.ofMillis(700))
                        .receiveBuffer(50_000, 60_000)
                        .sendBuffer(70_000, 80_000)
                        .initialWindow(4))
                .tcp(tcp -> tcp.ephemeralPorts(20_000, 20_003).selectiveAcknowledgements(false))
                .build();
        EventLoopGroup serverGroup = new IslaEventLoopGroup(1, server);
        EventLoopGroup clientGroup = new IslaEventLoopGroup(1, client);
        try {
            new ServerBootstrap()
                    .group(serverGroup)
                    .channel(IslaServerSocketChannel.class)
                    .childHandler(new ChannelInboundHandlerAdapter())
                    .bind("10.0.0.2", 80)
                    .sync();
            IslaSocketChannel channel = (IslaSocketChannel) new Bootstrap()
                    .group(clientGroup)
                    .channel(IslaSocketChannel.class)
                    .handler(new ChannelInboundHandlerAdapter())
                    .connect(new InetSocketAddress("10.0.0.2", 80))
                    .sync()
                    .channel();
            IslaTcpInfo info = channel.tcpInfo().get();
            assertThat(info.congestionControl()).isEqualTo("reno");
            assertThat(info.ecn()).isTrue();
            assertThat(info.sack()).isFalse();
            assertThat(info.timestamps()).isTrue();
            assertThat(info.sendMss())
                    .as("where the search begins, less timestamps")
                    .isEqualTo(1024 - 12);
            assertThat(info.cwnd()).isEqualTo(4 * info.sendMss());
            assertThat(info.receiveBuffer()).isEqualTo(50_000);
            assertThat(info.sendBuffer()).isEqualTo(70_000);
            assertThat(info.rto()).isGreaterThanOrEqualTo(700_000_000L);
            assertThat(channel.localAddress().getPort()).isBetween(20_000, 20_003);
        } finally {
            clientGroup.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
            serverGroup.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
            client.close();
            server.close();
        }
    }

    @Test
    void optionsShowWhatIsInForceOnTheHost() throws Exception {
        MemoryLink.Pair link = MemoryLink.pair("client", "server");
        Consumer<TcpConfiguration> tcp = configuration -> configuration
                .congestionControl("reno")
                .receiveBuffer(50_000, 60_000)
                .sendBuffer(70_000, 80_000)
                .synRetries(3);
        IslaHost server = host("10.0.0.2/24", link.second()).tcp(tcp).build();
        IslaHost client = host("10.0.0.1/24", link.first()).tcp(tcp).build();
        EventLoopGroup serverGroup = new IslaEventLoopGroup(1, server);
        EventLoopGroup clientGroup = new IslaEventLoopGroup(1, client);
        try {
            Promise<Channel> accepted = serverGroup.next().newPromise();
            Promise<Object> seenBeforeItsRegistration = serverGroup.next().newPromise();
            Channel listening = new ServerBootstrap()
                    .group(serverGroup)
                    .channel(IslaServerSocketChannel.class)
                    .handler(new ChannelInboundHandlerAdapter() {
                        @Override
                        public void channelRead(ChannelHandlerContext context, Object child) {
                            seenBeforeItsRegistration.trySuccess(
                                    ((Channel) child).config().getOption(IslaChannelOption.TCP_CONGESTION));
                            context.fireChannelRead(child);
                        }
                    })
                    .childHandler(new ChannelInboundHandlerAdapter() {
                        @Override
                        public void channelActive(ChannelHandlerContext context) {
                            accepted.trySuccess(context.channel());
                        }
                    })
                    .bind("10.0.0.2", 80)
                    .sync()
                    .channel();
            assertThat(listening.config().getOption(IslaChannelOption.TCP_CONGESTION))
                    .isEqualTo("reno");
            assertThat(listening.config().getOption(ChannelOption.SO_RCVBUF)).isEqualTo(50_000);

            Bootstrap bootstrap = new Bootstrap()
                    .group(clientGroup)
                    .channel(IslaSocketChannel.class)
                    .handler(new ChannelInboundHandlerAdapter());
            Channel unconnected = bootstrap.register().sync().channel();
            showTheHost(unconnected, "reno");
            Channel connected = bootstrap
                    .handler(new ChannelInboundHandlerAdapter())
                    .connect("10.0.0.2", 80)
                    .sync()
                    .channel();
            showTheHost(connected, "reno");
            showTheHost(accepted.get(), "reno");
            assertThat(seenBeforeItsRegistration.get()).isEqualTo("reno");

            connected.config().setOption(IslaChannelOption.TCP_CONGESTION, "cubic");
            connected.config().setOption(ChannelOption.SO_SNDBUF, 90_000);
            assertThat(connected.config().getOption(IslaChannelOption.TCP_CONGESTION))
                    .isEqualTo("cubic");
            assertThat(connected.config().getOption(ChannelOption.SO_SNDBUF)).isEqualTo(90_000);
            connected.eventLoop().submit(() -> {}).sync();
            IslaTcpInfo info = ((IslaSocketChannel) connected).tcpInfo().get();
            assertThat(info.congestionControl()).isEqualTo("cubic");
            assertThat(info.sendBuffer()).isEqualTo(90_000);
        } finally {
            clientGroup.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
            serverGroup.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
            client.close();
            server.close();
        }
    }

    private static void showTheHost(Channel channel, String congestionControl) {
        ChannelConfig config = channel.config();
        assertThat(config.getOption(IslaChannelOption.TCP_CONGESTION)).isEqualTo(congestionControl);
        assertThat(config.getOption(IslaChannelOption.TCP_SYNCNT)).isEqualTo(3);
        assertThat(config.getOption(ChannelOption.SO_RCVBUF)).isEqualTo(50_000);
        assertThat(config.getOption(ChannelOption.SO_SNDBUF)).isEqualTo(70_000);
        assertThat(config.getOptions()).containsEntry(IslaChannelOption.TCP_CONGESTION, congestionControl);
    }
}
