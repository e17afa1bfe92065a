/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.MemoryLink;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultAddressedEnvelope;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.socket.DatagramPacket;
import io.netty.channel.unix.SegmentedDatagramPacket;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.AlreadyConnectedException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NotYetConnectedException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Datagram channels keep the contract of Netty's own. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class DatagramChannelTest {
    @RegisterExtension
    final TwoHosts hosts = new TwoHosts();

    private final DatagramLog clientLog = new DatagramLog();
    private final DatagramLog serverLog = new DatagramLog();

    private static Bootstrap bootstrap(EventLoopGroup group, DatagramLog log) {
        return new Bootstrap().group(group).channel(IslaDatagramChannel.class).handler(log);
    }

    private Channel client() throws InterruptedException {
        return bootstrap(hosts.clientGroup, clientLog).bind(0).sync().channel();
    }

    private Channel server() throws InterruptedException {
        return bootstrap(hosts.serverGroup, serverLog)
                .bind(TwoHosts.SERVER, 0)
                .sync()
                .channel();
    }

    private static ByteBuf text(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.ISO_8859_1);
    }

    private static InetSocketAddress address(Channel channel) {
        return (InetSocketAddress) channel.localAddress();
    }

    private static DatagramPacket packet(String text, Channel to) {
        return new DatagramPacket(text(text), address(to));
    }

    private static Throwable causeOf(ChannelFuture future) throws InterruptedException {
        assertThat(future.await(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS)).isTrue();
        return future.cause();
    }

    @Test
    void datagramsGoBothWaysWithTheirAddresses() throws Exception {
        Channel client = client();
        Channel server = server();
        client.writeAndFlush(packet("ping", server)).sync();

        DatagramLog.Received ping = serverLog.next();
        assertThat(ping.text()).isEqualTo("ping");
        assertThat(ping.recipient()).isEqualTo(server.localAddress());
        assertThat(ping.sender())
                .isEqualTo(
                        new InetSocketAddress(TwoHosts.CLIENT, address(client).getPort()));

        server.writeAndFlush(new DatagramPacket(text("pong"), ping.sender())).sync();
        DatagramLog.Received pong = clientLog.next();
        assertThat(pong.text()).isEqualTo("pong");
        assertThat(pong.sender()).isEqualTo(server.localAddress());
        assertThat(pong.recipient()).isEqualTo(client.localAddress());
        assertThat(pong.recipient().getAddress().isAnyLocalAddress()).isTrue();
    }

    @Test
    void everyKindOfBufferIsSentAndGivenBackWhenTheWriteIsDone() throws Exception {
        Channel client = client();
        Channel server = server();
        ByteBuf direct = Unpooled.directBuffer().writeBytes("xdirect".getBytes(StandardCharsets.ISO_8859_1));
        direct.skipBytes(1);
        ByteBuf composite = Unpooled.compositeBuffer()
                .addComponents(true, text("com"), Unpooled.directBuffer().writeBytes(text("posite")));
        List<ByteBuf> buffers = List.of(
                text("heap"),
                direct,
                composite,
                text("__slice__").slice(2, 5),
                text("read-only").asReadOnly(),
                Unpooled.wrappedBuffer(
                        ByteBuffer.wrap(new byte[] {'n', 'i', 'o'}).asReadOnlyBuffer()));
        for (ByteBuf buffer : buffers) {
            String expected = buffer.toString(StandardCharsets.ISO_8859_1);
            client.writeAndFlush(new DatagramPacket(buffer.retain(), address(server)))
                    .sync();
            assertThat(buffer.refCnt()).as(expected).isEqualTo(1);
            assertThat(serverLog.next().text()).isEqualTo(expected);
            buffer.release();
        }
    }

    @Test
    void datagramsMayBeEmpty() throws Exception {
        Channel client = client();
        Channel server = server();
        client.write(new DatagramPacket(Unpooled.EMPTY_BUFFER, address(server)));
        client.writeAndFlush(packet("after", server)).sync();
        assertThat(serverLog.next().text()).isEmpty();
        assertThat(serverLog.next().text()).isEqualTo("after");
    }

    @Test
    void largeDatagramsAreFragmentedAndReadAsTheAllocatorHasRoom() throws Exception {
        Channel client = client();
        DatagramLog smallLog = new DatagramLog();
        Bootstrap bootstrap = bootstrap(hosts.serverGroup, serverLog);
        Channel server = bootstrap
                .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(65_536))
                .bind(TwoHosts.SERVER, 0)
                .sync()
                .channel();
        Channel small = bootstrap
                .handler(smallLog)
                .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(10))
                .bind(TwoHosts.SERVER, 0)
                .sync()
                .channel();
        String large = "0123456789abcdef".repeat(4000);
        client.writeAndFlush(packet(large, server)).sync();
        assertThat(serverLog.next().text().equals(large)).isTrue();
        client.writeAndFlush(packet(large, small)).sync();
        assertThat(smallLog.next().text()).hasSize(10).isEqualTo("0123456789");

        ChannelFuture tooLarge = client.writeAndFlush(packet("x".repeat(65_508), server));
        assertThat(causeOf(tooLarge)).isInstanceOf(IOException.class).hasMessageContaining("Message too long");
        assertThat(client.isOpen()).isTrue();
    }

    @Test
    void aSegmentedPacketIsReadAsDatagramsOfTheSegmentSize() throws Exception {
        Channel client = client();
        Channel server = server();
        client.writeAndFlush(new SegmentedDatagramPacket(text("aaaabbbbcc"), 4, address(server)))
                .sync();
        assertThat(serverLog.next().text()).isEqualTo("aaaa");
        assertThat(serverLog.next().text()).isEqualTo("bbbb");
        assertThat(serverLog.next().text()).isEqualTo("cc");
    }

    @Test
    void aConnectedChannelWritesBareBuffersAndHearsItsPeerOnly() throws Exception {
        Channel server = server();
        DatagramLog strangerLog = new DatagramLog();
        Channel stranger = bootstrap(hosts.serverGroup, strangerLog)
                .bind(TwoHosts.SERVER, 0)
                .sync()
                .channel();
        IslaDatagramChannel client = (IslaDatagramChannel) bootstrap(hosts.clientGroup, clientLog)
                .connect(server.localAddress())
                .sync()
                .channel();
        assertThat(client.isConnected()).isTrue();
        assertThat(client.remoteAddress()).isEqualTo(server.localAddress());
        assertThat(client.localAddress().getAddress()).isEqualTo(InetAddress.getByName(TwoHosts.CLIENT));
        assertThat(causeOf(client.connect(stranger.localAddress()))).isInstanceOf(AlreadyConnectedException.class);

        client.write(text("bare"));
        client.write(new DefaultAddressedEnvelope<>(text("envelope"), null, client.localAddress()));
        client.writeAndFlush(new DefaultAddressedEnvelope<>(text("addressed"), server.localAddress()))
                .sync();
        assertThat(serverLog.next().text()).isEqualTo("bare");
        assertThat(serverLog.next().text()).isEqualTo("envelope");
        assertThat(serverLog.next().text()).isEqualTo("addressed");

        stranger.writeAndFlush(packet("not for you", client)).sync();
        assertThat(causeOf(stranger.writeAndFlush(packet("told", stranger)))).isNull();
        assertThat(strangerLog.next().text()).isEqualTo("told");
        server.writeAndFlush(packet("for you", client)).sync();
        assertThat(clientLog.next().text()).isEqualTo("for you");
        assertThat(clientLog.waiting()).isZero();
    }

    @Test
    void disconnectingKeepsThePortAndAllowsAnotherPeer() throws Exception {
        Channel server = server();
        IslaDatagramChannel client = (IslaDatagramChannel) bootstrap(hosts.clientGroup, clientLog)
                .connect(server.localAddress())
                .sync()
                .channel();
        int port = client.localAddress().getPort();
        client.disconnect().sync();
        assertThat(client.isConnected()).isFalse();
        assertThat(client.isOpen()).isTrue();
        assertThat(client.remoteAddress()).isNull();
        assertThat(client.localAddress().getPort()).isEqualTo(port);
        assertThat(causeOf(client.writeAndFlush(text("to nobody")))).isInstanceOf(NotYetConnectedException.class);

        client.connect(server.localAddress()).sync();
        client.writeAndFlush(text("again")).sync();
        DatagramLog.Received again = serverLog.next();
        assertThat(again.text()).isEqualTo("again");
        assertThat(again.sender()).isEqualTo(client.localAddress());
    }

    @Test
    void writesThatCannotBeFailAloneAndLeaveTheChannelOpen() throws Exception {
        Channel client = client();
        Channel server = server();
        assertThat(causeOf(client.writeAndFlush(text("to nobody")))).isInstanceOf(NotYetConnectedException.class);
        assertThat(causeOf(client.writeAndFlush(
                        new DatagramPacket(text("x"), InetSocketAddress.createUnresolved("nowhere.invalid", 9)))))
                .isInstanceOf(UnresolvedAddressException.class);
        assertThat(causeOf(client.writeAndFlush(new DatagramPacket(text("x"), new InetSocketAddress("192.0.2.1", 9)))))
                .isInstanceOf(NoRouteToHostException.class);
        assertThat(causeOf(
                        client.writeAndFlush(new DatagramPacket(text("x"), new InetSocketAddress(TwoHosts.SERVER, 0)))))
                .isInstanceOf(SocketException.class);
        assertThat(causeOf(client.writeAndFlush("a string"))).isInstanceOf(UnsupportedOperationException.class);
        InetSocketAddress broadcast =
                new InetSocketAddress("10.0.0.255", address(server).getPort());
        assertThat(causeOf(client.writeAndFlush(new DatagramPacket(text("x"), broadcast))))
                .isInstanceOf(SocketException.class)
                .hasMessageContaining("SO_BROADCAST");
        client.writeAndFlush(packet("still open", server)).sync();
        assertThat(serverLog.next().text()).isEqualTo("still open");
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.0.255", "255.255.255.255"})
    void aChannelIsConnectedToABroadcastAddressOnlyIfItMayBroadcast(String broadcast) throws Exception {
        Channel channel = client();
        InetSocketAddress all = new InetSocketAddress(broadcast, 9);

        assertThat(causeOf(channel.connect(all)))
                .isInstanceOf(SocketException.class)
                .hasMessageContaining("SO_BROADCAST");
        assertThat(((IslaDatagramChannel) channel).isConnected()).isFalse();

        channel.config().setOption(ChannelOption.SO_BROADCAST, true);
        channel.connect(all).sync();
        assertThat(channel.remoteAddress()).isEqualTo(all);
    }

    @Test
    void aChannelForIpv6OnlySendsNothingByIpv4() throws Exception {
        Channel channel = bootstrap(hosts.clientGroup, clientLog)
                .option(IslaChannelOption.IPV6_V6ONLY, true)
                .bind("::", 0)
                .sync()
                .channel();
        InetSocketAddress v4 = new InetSocketAddress(TwoHosts.SERVER, 9);

        assertThat(causeOf(channel.writeAndFlush(new DatagramPacket(text("x"), v4))))
                .isInstanceOf(NoRouteToHostException.class);
        assertThat(causeOf(channel.connect(v4))).isInstanceOf(NoRouteToHostException.class);
    }

    @Test
    void broadcastsReachEveryWildcardChannelOnThePort() throws Exception {
        Channel server = bootstrap(hosts.serverGroup, serverLog).bind(0).sync().channel();
        Channel client = bootstrap(hosts.clientGroup, clientLog)
                .option(ChannelOption.SO_BROADCAST, true)
                .bind(address(server).getPort())
                .sync()
                .channel();
        client.writeAndFlush(new DatagramPacket(
                        text("all"),
                        new InetSocketAddress("255.255.255.255", address(server).getPort())))
                .sync();
        assertThat(serverLog.next().text()).isEqualTo("all");
        assertThat(clientLog.next().text()).isEqualTo("all");
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.0.255", "255.255.255.255"})
    void aChannelThatIsBoundToABroadcastAddressHearsOnlyWhatIsSentThere(String broadcast) throws Exception {
        Channel server = bootstrap(hosts.serverGroup, serverLog)
                .option(ChannelOption.SO_BROADCAST, true)
                .bind(broadcast, 0)
                .sync()
                .channel();
        InetSocketAddress all = new InetSocketAddress(broadcast, address(server).getPort());
        Channel client = bootstrap(hosts.clientGroup, clientLog)
                .option(ChannelOption.SO_BROADCAST, true)
                .bind(0)
                .sync()
                .channel();
        client.writeAndFlush(new DatagramPacket(text("one"), new InetSocketAddress(TwoHosts.SERVER, all.getPort())))
                .sync();
        client.writeAndFlush(new DatagramPacket(text("all"), all)).sync();
        DatagramLog.Received received = serverLog.next();
        assertThat(received.text()).isEqualTo("all");
        // It speaks from an address of its host, as one that is bound to no address.
        server.writeAndFlush(new DatagramPacket(text("here"), received.sender()))
                .sync();
        assertThat(clientLog.next().sender()).isEqualTo(new InetSocketAddress(TwoHosts.SERVER, all.getPort()));
    }

    @Test
    void aReadingChannelIsToldThatNobodyListens() throws Exception {
        Channel client = bootstrap(hosts.clientGroup, clientLog)
                .connect(TwoHosts.SERVER, 9)
                .sync()
                .channel();
        client.writeAndFlush(text("anybody?")).sync();
        assertThat(clientLog.nextException()).isInstanceOf(PortUnreachableException.class);
        assertThat(client.isActive()).isTrue();
    }

    @Test
    void aChannelThatDoesNotReadIsToldByItsNextWrite() throws Exception {
        Channel client = bootstrap(hosts.clientGroup, clientLog)
                .option(ChannelOption.AUTO_READ, false)
                .connect(TwoHosts.SERVER, 9)
                .sync()
                .channel();
        Throwable cause = null;
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10); cause == null && System.nanoTime() < end; ) {
            cause = causeOf(client.writeAndFlush(text("anybody?")));
        }
        assertThat(cause).isInstanceOf(PortUnreachableException.class);
        assertThat(client.isActive()).isTrue();
    }

    @Test
    void theHostReachesItselfByLoopbackWildcardAndOwnAddress() throws Exception {
        Channel one = bootstrap(hosts.clientGroup, clientLog).bind(0).sync().channel();
        Channel other = bootstrap(hosts.clientGroup, serverLog).bind(0).sync().channel();
        int port = address(other).getPort();
        for (String to : List.of("127.0.0.1", "0.0.0.0", "::1", "::", TwoHosts.CLIENT)) {
            ByteBuf buffer = text("to " + to);
            one.writeAndFlush(new DatagramPacket(buffer.retain(), new InetSocketAddress(to, port)))
                    .sync();
            assertThat(buffer.refCnt()).isEqualTo(1);
            buffer.release();
            DatagramLog.Received received = serverLog.next();
            assertThat(received.text()).isEqualTo("to " + to);
            assertThat(received.sender().getPort()).isEqualTo(address(one).getPort());
        }
        Channel nobody = bootstrap(hosts.clientGroup, clientLog)
                .connect("127.0.0.1", 9)
                .sync()
                .channel();
        nobody.writeAndFlush(text("anybody?")).sync();
        assertThat(clientLog.nextException()).isInstanceOf(PortUnreachableException.class);
    }

    @Test
    void withoutAutoReadEachReadIsOneRoundOfAtMostTheAllowedMessages() throws Exception {
        Channel client = client();
        Channel server = bootstrap(hosts.serverGroup, serverLog)
                .option(ChannelOption.AUTO_READ, false)
                .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(64).maxMessagesPerRead(2))
                .bind(TwoHosts.SERVER, 0)
                .sync()
                .channel();
        assertThat(serverLog.nextEvent()).isEqualTo("active");
        for (int i = 0; i < 3; i++) {
            client.write(packet("" + i, server));
        }
        client.flush();
        server.read();
        // The first may have come alone.
        assertThat(serverLog.nextEvent()).isEqualTo("read");
        String second = serverLog.nextEvent();
        if (second.equals("read")) {
            assertThat(serverLog.nextEvent()).isEqualTo("readComplete");
        }
        server.eventLoop().submit(() -> {}).sync();
        int read = serverLog.waiting();
        assertThat(read).isEqualTo(second.equals("read") ? 2 : 1);
        server.config().setAutoRead(true);
        for (int i = 0; i < 3; i++) {
            assertThat(serverLog.next().text()).isEqualTo("" + i);
        }
    }

    @Test
    void aChannelMayBeActiveFromItsRegistrationAndSendUnbound() throws Exception {
        Channel server = server();
        @SuppressWarnings("deprecation")
        Bootstrap active = bootstrap(hosts.clientGroup, clientLog)
                .option(ChannelOption.DATAGRAM_CHANNEL_ACTIVE_ON_REGISTRATION, true);
        Channel client = active.register().sync().channel();
        assertThat(client.isActive()).isTrue();
        assertThat(clientLog.nextEvent()).isEqualTo("active");
        client.writeAndFlush(packet("unbound", server)).sync();
        assertThat(serverLog.next().sender().getPort())
                .isEqualTo(address(client).getPort());
    }

    @Test
    void aPortIsOneChannelsUnlessAllSayOtherwise() throws Exception {
        Channel server = server();
        assertThat(causeOf(bootstrap(hosts.serverGroup, clientLog).bind(server.localAddress())))
                .isInstanceOf(BindException.class);
        assertThat(causeOf(bootstrap(hosts.serverGroup, clientLog).bind("10.0.0.77", 0)))
                .isInstanceOf(BindException.class);
        server.close().sync();
        Bootstrap reusing = bootstrap(hosts.serverGroup, new DatagramLog()).option(ChannelOption.SO_REUSEADDR, true);
        reusing.handler(new DatagramLog()).bind(server.localAddress()).sync();
        reusing.handler(new DatagramLog()).bind(server.localAddress()).sync();
    }

    @Test
    void aClosedChannelFailsWritesAndReceivesNothing() throws Exception {
        Channel client = client();
        Channel server = server();
        server.close().sync();
        assertThat(server.isActive()).isFalse();
        assertThat(causeOf(server.writeAndFlush(packet("x", client)))).isInstanceOf(ClosedChannelException.class);
        Channel same = bootstrap(hosts.serverGroup, serverLog)
                .bind(server.localAddress())
                .sync()
                .channel();
        client.writeAndFlush(packet("to the new one", same)).sync();
        assertThat(serverLog.next().text()).isEqualTo("to the new one");
    }

    @Test
    void aChannelMovesToAnotherLoopWithWhatItHasReceived() throws Exception {
        Channel client = client();
        Channel server = bootstrap(hosts.serverGroup, serverLog)
                .option(ChannelOption.AUTO_READ, false)
                .bind(TwoHosts.SERVER, 0)
                .sync()
                .channel();
        client.writeAndFlush(packet("before", server)).sync();
        Object before = server.eventLoop();
        server.deregister().sync();
        client.writeAndFlush(packet("between", server)).sync();
        while (hosts.serverGroup.next() == before) {
            // The group takes its loops in turn: the one after this is the other's.
        }
        hosts.serverGroup.next();
        hosts.serverGroup.register(server).sync();
        server.config().setAutoRead(true);
        client.writeAndFlush(packet("after", server)).sync();
        assertThat(serverLog.next().text()).isEqualTo("before");
        assertThat(serverLog.next().text()).isEqualTo("between");
        assertThat(serverLog.next().text()).isEqualTo("after");
    }

    @Test
    void multicastReachesMembersOnEveryLoopAndTheSendersOwnHost() throws Exception {
        InetAddress group = InetAddress.getByName("230.0.0.1");
        Bootstrap reusing = bootstrap(hosts.serverGroup, serverLog).option(ChannelOption.SO_REUSEADDR, true);
        DatagramLog[] logs = {serverLog, new DatagramLog()};
        IslaDatagramChannel[] members = new IslaDatagramChannel[2];
        int port = 0;
        for (int i = 0; i < members.length; i++) {
            members[i] = (IslaDatagramChannel)
                    reusing.handler(logs[i]).bind(port).sync().channel();
            port = members[i].localAddress().getPort();
            members[i].joinGroup(group).sync();
        }
        assertThat(members[0].eventLoop()).isNotSameAs(members[1].eventLoop());
        Channel client = client();
        InetSocketAddress to = new InetSocketAddress(group, port);
        client.writeAndFlush(new DatagramPacket(text("hello"), to)).sync();
        assertThat(logs[0].next().text()).isEqualTo("hello");
        assertThat(logs[1].next().text()).isEqualTo("hello");

        members[0].writeAndFlush(new DatagramPacket(text("own"), to)).sync();
        assertThat(logs[0].next().text()).isEqualTo("own");
        assertThat(logs[1].next().text()).isEqualTo("own");

        members[0].config().setLoopbackModeDisabled(true);
        members[0].writeAndFlush(new DatagramPacket(text("not own"), to)).sync();
        members[1].leaveGroup(group).sync();
        assertThat(causeOf(members[1].leaveGroup(group))).isInstanceOf(SocketException.class);
        members[0].config().setLoopbackModeDisabled(false);
        members[0].writeAndFlush(new DatagramPacket(text("one left"), to)).sync();
        assertThat(logs[0].next().text()).isEqualTo("one left");
        // What was handed over to the other loop has arrived there before a task that comes later.
        members[1].eventLoop().submit(() -> {}).sync();
        members[1].eventLoop().submit(() -> {}).sync();
        assertThat(logs[1].waiting()).isZero();
    }

    @Test
    void sourcesOfAGroupCanBeChosenAndBlocked() throws Exception {
        InetAddress group = InetAddress.getByName("232.1.1.1");
        InetAddress clientAddress = InetAddress.getByName(TwoHosts.CLIENT);
        InetAddress other = InetAddress.getByName("10.0.0.9");
        IslaDatagramChannel member = (IslaDatagramChannel)
                bootstrap(hosts.serverGroup, serverLog).bind(0).sync().channel();
        InetSocketAddress to =
                new InetSocketAddress(group, member.localAddress().getPort());
        Channel client = client();

        member.joinGroup(group, null, other).sync();
        assertThat(causeOf(member.joinGroup(group))).isInstanceOf(SocketException.class);
        client.writeAndFlush(new DatagramPacket(text("not joined"), to)).sync();
        // Behind it on the same way comes one for the address.
        client.writeAndFlush(new DatagramPacket(text("1"), new InetSocketAddress(TwoHosts.SERVER, to.getPort())))
                .sync();
        assertThat(serverLog.next().text()).isEqualTo("1");

        member.joinGroup(group, null, clientAddress).sync();
        client.writeAndFlush(new DatagramPacket(text("joined"), to)).sync();
        assertThat(serverLog.next().text()).isEqualTo("joined");

        member.leaveGroup(group, null, clientAddress).sync();
        member.leaveGroup(group, null, other).sync();
        member.joinGroup(group).sync();
        client.writeAndFlush(new DatagramPacket(text("any"), to)).sync();
        assertThat(serverLog.next().text()).isEqualTo("any");

        member.block(group, clientAddress).sync();
        client.writeAndFlush(new DatagramPacket(text("blocked"), to)).sync();
        client.writeAndFlush(new DatagramPacket(text("2"), new InetSocketAddress(TwoHosts.SERVER, to.getPort())))
                .sync();
        assertThat(serverLog.next().text()).isEqualTo("2");
    }

    @Test
    void loopsThatStartLaterReceiveForMembersToo() throws Exception {
        MemoryLink.Pair link = MemoryLink.builder().receiveQueues(4).pair("client", "server");
        IslaHost sender =
                IslaHost.builder().link(link.first()).address("10.1.0.1/24").build();
        IslaHost receiver =
                IslaHost.builder().link(link.second()).address("10.1.0.2/24").build();
        EventLoopGroup senders = hosts.add(new IslaEventLoopGroup(1, sender));
        InetAddress group = InetAddress.getByName("230.0.0.1");
        IslaDatagramChannel member =
                (IslaDatagramChannel) bootstrap(hosts.add(new IslaEventLoopGroup(1, receiver)), serverLog)
                        .bind(0)
                        .sync()
                        .channel();
        member.joinGroup(group).sync();
        hosts.add(new IslaEventLoopGroup(3, receiver));
        InetSocketAddress to =
                new InetSocketAddress(group, member.localAddress().getPort());
        int flows = 16;
        for (int i = 0; i < flows; i++) {
            // Each is a flow of its own, which the link gives to one of the loops.
            Channel flow = bootstrap(senders, clientLog).bind(0).sync().channel();
            flow.writeAndFlush(new DatagramPacket(text("hello"), to)).sync();
        }
        for (int i = 0; i < flows; i++) {
            assertThat(serverLog.next().text()).isEqualTo("hello");
        }
    }
}
