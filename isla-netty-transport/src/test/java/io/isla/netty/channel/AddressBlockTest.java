/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.host.IslaHost;
import io.isla.netty.host.IslaHostBuilder;
import io.isla.netty.link.MemoryLink;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Hosts with more addresses than anybody would want to list. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class AddressBlockTest {
    private static final int PORT = 80;

    private final MemoryLink.Pair link = MemoryLink.pair("client", "server");
    private final BlockingQueue<Channel> accepted = new LinkedBlockingQueue<>();
    private IslaHost clientHost;
    private IslaHost serverHost;
    private EventLoopGroup clientGroup;
    private EventLoopGroup serverGroup;

    private void open(IslaHostBuilder client, IslaHostBuilder server) {
        clientHost = client.link(link.first()).build();
        serverHost = server.link(link.second()).build();
        clientGroup = new IslaEventLoopGroup(2, clientHost);
        serverGroup = new IslaEventLoopGroup(2, serverHost);
    }

    @AfterEach
    void close() throws Exception {
        clientGroup.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        serverGroup.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        clientHost.close();
        serverHost.close();
    }

    private Channel serve(EventLoopGroup group, String address) throws Exception {
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
                        accepted.add(context.channel());
                    }
                })
                .bind(address, PORT)
                .sync()
                .channel();
    }

    private Channel connect(EventLoopGroup group, String to, String from) throws Exception {
        return new Bootstrap()
                .group(group)
                .channel(IslaSocketChannel.class)
                .handler(new ChannelInboundHandlerAdapter())
                .connect(new InetSocketAddress(to, PORT), from == null ? null : new InetSocketAddress(from, 0))
                .sync()
                .channel();
    }

    private static InetAddress address(java.net.SocketAddress address) {
        return ((InetSocketAddress) address).getAddress();
    }

    /** The block is on the client's link, where it looks for each neighbour, or behind a route to the server. */
    @ParameterizedTest
    @CsvSource({
        "10.8.0.1/15, 10.8.0.2/15, 10.9.0.0/16, 10.9.3.4, 10.9.255.254",
        "10.8.0.1/24, 10.8.0.2/24, 10.9.0.0/16, 10.9.3.4, 10.9.255.255",
        "2001:db8::1/47, 2001:db8::2/47, 2001:db8:1::/64, 2001:db8:1::abcd, 2001:db8:1:0:ffff:ffff:ffff:ffff",
        "2001:db8::1/64, 2001:db8::2/64, 2001:db8:1::/64, 2001:db8:1::abcd, 2001:db8:1:0:ffff:ffff:ffff:ffff"
    })
    void allAddressesOfABlockAreTheHosts(String client, String server, String block, String one, String last)
            throws Exception {
        open(
                IslaHost.builder().address(client).gateway(server.substring(0, server.indexOf('/'))),
                IslaHost.builder().address(server).addressBlock(block));
        serve(serverGroup, "::");
        for (String address : new String[] {one, last}) {
            Channel channel = connect(clientGroup, address, null);
            assertThat(address(accepted.take().localAddress())).isEqualTo(InetAddress.getByName(address));
            assertThat(clientHost
                            .echo(InetAddress.getByName(address))
                            .get(5, TimeUnit.SECONDS)
                            .from())
                    .isEqualTo(InetAddress.getByName(address));
            channel.close().sync();
        }

        // The other way: connect from one of them, and listen on another.
        serve(clientGroup, "::");
        Channel channel = connect(serverGroup, client.substring(0, client.indexOf('/')), one);
        assertThat(address(channel.localAddress())).isEqualTo(InetAddress.getByName(one));
        assertThat(address(accepted.take().remoteAddress())).isEqualTo(InetAddress.getByName(one));
        channel.close().sync();
        // To itself.
        connect(serverGroup, last, one).close().sync();
        assertThat(address(accepted.take().remoteAddress())).isEqualTo(InetAddress.getByName(one));
    }

    @Test
    void blocksComeAndGoOnTheLiveHost() throws Exception {
        open(
                IslaHost.builder().address("10.8.0.1/15"),
                IslaHost.builder().address("10.8.0.2/15").addressBlock("10.9.1.0/24"));
        serve(serverGroup, "::").close().sync();

        serverHost.addAddressBlock("10.9.2.0/24").sync();
        serve(serverGroup, "10.9.2.3");
        connect(clientGroup, "10.9.2.3", null).close().sync();
        assertThatThrownBy(() -> serverHost.addAddressBlock("10.9.2.0/25"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("overlaps");

        serverHost.removeAddressBlock("10.9.2.0/24").sync();
        assertThatThrownBy(() -> serve(serverGroup, "10.9.2.4")).isInstanceOf(BindException.class);
        assertThatThrownBy(() -> serverHost.removeAddressBlock("10.9.2.0/24"))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
