/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.channel.PacketLog.Packet;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.ManualIoEventLoop;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.socket.DatagramPacket;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What each option of datagram channels does. */
@Timeout(WatchedHosts.DEADLINE_SECONDS)
class DatagramOptionsTest {
    private static final String CLIENT = WatchedHosts.CLIENT;
    private static final String SERVER = WatchedHosts.SERVER;
    private static final InetSocketAddress PORT_9 = new InetSocketAddress(SERVER, 9);
    private static final String GROUP = "232.1.2.3";

    @RegisterExtension
    final WatchedHosts hosts = new WatchedHosts();

    /** What a channel reads. */
    private static final class Reader extends ChannelInboundHandlerAdapter {
        final List<Integer> lengths = new ArrayList<>();
        final List<InetSocketAddress> recipients = new ArrayList<>();
        final List<ByteBufAllocator> allocators = new ArrayList<>();

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            DatagramPacket packet = (DatagramPacket) message;
            lengths.add(packet.content().readableBytes());
            recipients.add(packet.recipient());
            allocators.add(packet.content().alloc());
            packet.release();
        }
    }

    private Channel bind(ManualIoEventLoop loop, Bootstrap bootstrap, String address, int port) {
        return hosts.await(bootstrap.group(loop).bind(address, port)).channel();
    }

    private Bootstrap bootstrap(ChannelInboundHandlerAdapter handler) {
        return new Bootstrap().channel(IslaDatagramChannel.class).handler(handler);
    }

    private Channel sender(Bootstrap bootstrap) {
        return bind(hosts.client, bootstrap, "0.0.0.0", 0);
    }

    private Channel sender() {
        return sender(bootstrap(new Reader()));
    }

    private Channel receiver(Bootstrap bootstrap) {
        return bind(hosts.server, bootstrap, "0.0.0.0", PORT_9.getPort());
    }

    private static ChannelFuture send(Channel channel, InetSocketAddress to, int bytes) {
        return channel.writeAndFlush(new DatagramPacket(Unpooled.wrappedBuffer(new byte[bytes]), to));
    }

    private List<Packet> sent() {
        return hosts.packets.from(CLIENT).stream().filter(Packet::isUdp).toList();
    }

    // ------------------------------------------------------------------------------------------------ what is sent

    @Test
    void ipTosAndIpTtlAreThoseOfWhatIsSentToOneHost() {
        Channel sender = sender(
                bootstrap(new Reader()).option(ChannelOption.IP_TOS, 0x2c).option(IslaChannelOption.IP_TTL, 7));
        hosts.await(send(sender, PORT_9, 10));
        sender.config().setOption(IslaChannelOption.IP_TTL, 8);
        hosts.await(send(sender, PORT_9, 10));
        hosts.turn();

        assertThat(sent()).extracting(Packet::trafficClass).containsExactly(0x2c, 0x2c);
        assertThat(sent()).extracting(Packet::hopLimit).containsExactly(7, 8);
    }

    @Test
    void ipMulticastTtlIsThatOfWhatIsSentToGroups() {
        Channel sender = sender(bootstrap(new Reader()).option(IslaChannelOption.IP_TTL, 7));
        hosts.await(send(sender, new InetSocketAddress(GROUP, 9), 10));
        sender.config().setOption(ChannelOption.IP_MULTICAST_TTL, 3);
        hosts.await(send(sender, new InetSocketAddress(GROUP, 9), 10));
        hosts.turn();

        assertThat(sent()).extracting(Packet::hopLimit).containsExactly(1, 3);
    }

    @Test
    void soSndbufIsWhatIsSentInOneTurnOfTheLoop() {
        Reader reader = new Reader();
        receiver(bootstrap(reader).option(ChannelOption.SO_RCVBUF, 1 << 20));
        Channel sender = sender(bootstrap(new Reader()).option(ChannelOption.SO_SNDBUF, 10_000));
        hosts.turn();
        List<ChannelFuture> writes = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            writes.add(sender.write(new DatagramPacket(Unpooled.wrappedBuffer(new byte[744]), PORT_9)));
        }

        sender.flush();
        // A second flush in the same turn changes nothing.
        sender.flush();

        assertThat(writes.stream().filter(ChannelFuture::isDone).count()).isEqualTo(10);
        assertThat(sender.isWritable()).isTrue();
        hosts.client.runNow();
        assertThat(writes.stream().filter(ChannelFuture::isDone).count()).isBetween(20L, 30L);
        hosts.turn();
        assertThat(writes).allMatch(ChannelFuture::isSuccess);
        assertThat(reader.lengths).hasSize(50);
    }

    @Test
    void aDatagramLargerThanSoSndbufIsSentAllTheSame() {
        Reader reader = new Reader();
        receiver(bootstrap(reader));
        Channel sender = sender(bootstrap(new Reader()).option(ChannelOption.SO_SNDBUF, 100));

        for (int i = 0; i < 5; i++) {
            send(sender, PORT_9, 1_000);
        }
        hosts.turn();

        assertThat(reader.lengths).containsExactly(1_000, 1_000, 1_000, 1_000, 1_000);
    }

    @Test
    void whatWaitsForTheNextTurnFailsWhenTheChannelCloses() {
        Channel sender = sender(bootstrap(new Reader()).option(ChannelOption.SO_SNDBUF, 100));
        hosts.turn();
        ChannelFuture first = send(sender, PORT_9, 1_000);
        ChannelFuture second = send(sender, PORT_9, 1_000);

        hosts.await(sender.close());

        assertThat(first.isSuccess()).isTrue();
        assertThat(second.cause()).isInstanceOf(ClosedChannelException.class);
    }

    @Test
    void maxMessagesPerWriteBoundsWhatOneFlushSendsBeforeOtherTasksRun() {
        Channel sender = sender(bootstrap(new Reader()).option(ChannelOption.MAX_MESSAGES_PER_WRITE, 4));
        List<ChannelFuture> writes = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            writes.add(sender.write(new DatagramPacket(Unpooled.wrappedBuffer(new byte[10]), PORT_9)));
        }

        sender.flush();

        assertThat(writes.stream().filter(ChannelFuture::isDone).count()).isEqualTo(4);
        hosts.turn();
        assertThat(writes).allMatch(ChannelFuture::isSuccess);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void soBroadcastAllowsBroadcasts(boolean allowed) {
        Channel sender = sender(bootstrap(new Reader()).option(ChannelOption.SO_BROADCAST, allowed));

        ChannelFuture write = send(sender, new InetSocketAddress("10.0.0.255", 9), 10);
        hosts.turn();

        assertThat(write.isSuccess()).isEqualTo(allowed);
        assertThat(sent()).hasSize(allowed ? 1 : 0);
    }

    // ------------------------------------------------------------------------------------------------ what is received

    @Test
    void soRcvbufIsWhatMayWaitUnreadAndTheRestIsCounted() {
        Reader reader = new Reader();
        Channel receiver = receiver(
                bootstrap(reader).option(ChannelOption.SO_RCVBUF, 10_000).option(ChannelOption.AUTO_READ, false));
        Channel sender = sender();
        for (int i = 0; i < 20; i++) {
            send(sender, PORT_9, 744);
        }
        hosts.turn();

        receiver.config().setAutoRead(true);
        hosts.turn();

        assertThat(reader.lengths).hasSize(10);
        assertThat(hosts.serverHost.counters().get("UdpRcvbufErrors")).isEqualTo(10);
    }

    @Test
    void whatDoesNotFitIntoTheBufferThatIsReadIntoIsCutOffAndCounted() {
        Reader reader = new Reader();
        receiver(bootstrap(reader).option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(100)));
        Channel sender = sender();

        for (int bytes = 99; bytes <= 102; bytes++) {
            send(sender, PORT_9, bytes);
        }
        hosts.turn();

        assertThat(reader.lengths).containsExactly(99, 100, 100, 100);
        assertThat(hosts.serverHost.counters().get("IslaUdpTruncated")).isEqualTo(2);
    }

    @Test
    void datagramsAreReadIntoBuffersOfTheAllocator() {
        ByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
        Reader reader = new Reader();
        receiver(bootstrap(reader).option(ChannelOption.ALLOCATOR, allocator));

        send(sender(), PORT_9, 10);
        hosts.turn();

        assertThat(reader.allocators).containsExactly(allocator);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ipRecvorigdstaddrShowsWhereADatagramWasSentTo(boolean original) {
        Reader reader = new Reader();
        receiver(bootstrap(reader).option(EpollChannelOption.IP_RECVORIGDSTADDR, original));

        send(sender(), PORT_9, 10);
        hosts.turn();

        assertThat(reader.recipients).containsExactly(original ? PORT_9 : new InetSocketAddress("0.0.0.0", 9));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ipMulticastAllHearsTheGroupsThatOthersOfTheHostHaveJoined(boolean all) throws Exception {
        Reader member = new Reader();
        Reader other = new Reader();
        IslaDatagramChannel joined =
                (IslaDatagramChannel) receiver(bootstrap(member).option(ChannelOption.SO_REUSEADDR, true));
        Channel notJoined = receiver(bootstrap(other).option(ChannelOption.SO_REUSEADDR, true));
        // A bound channel can be told, too.
        notJoined.config().setOption(EpollChannelOption.IP_MULTICAST_ALL, all);
        hosts.await(joined.joinGroup(InetAddress.getByName(GROUP)));

        send(sender(), new InetSocketAddress(GROUP, 9), 10);
        hosts.turn();

        assertThat(member.lengths).containsExactly(10);
        assertThat(other.lengths).hasSize(all ? 1 : 0);
    }

    @Test
    void ipMulticastAllDoesNotBringBackASourceThatAMemberHasBlocked() throws Exception {
        Reader reader = new Reader();
        IslaDatagramChannel channel =
                (IslaDatagramChannel) receiver(bootstrap(reader).option(EpollChannelOption.IP_MULTICAST_ALL, true));
        hosts.await(channel.joinGroup(InetAddress.getByName(GROUP)));
        hosts.await(channel.block(InetAddress.getByName(GROUP), InetAddress.getByName(CLIENT)));

        send(sender(), new InetSocketAddress(GROUP, 9), 10);
        hosts.turn();

        assertThat(reader.lengths).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ipMulticastLoopDisabledKeepsWhatIsSentToAGroupFromThisHostsMembers(boolean disabled) throws Exception {
        Reader reader = new Reader();
        IslaDatagramChannel channel = (IslaDatagramChannel) bind(hosts.client, bootstrap(reader), "0.0.0.0", 9);
        hosts.await(channel.joinGroup(InetAddress.getByName(GROUP)));
        Channel sender = sender(bootstrap(new Reader()).option(ChannelOption.IP_MULTICAST_LOOP_DISABLED, disabled));

        send(sender, new InetSocketAddress(GROUP, 9), 10);
        hosts.turn();

        assertThat(reader.lengths).hasSize(disabled ? 0 : 1);
    }

    @Test
    void whatIsSentToAGroupFromALoopbackAddressStaysWithinTheHost() throws Exception {
        Reader reader = new Reader();
        IslaDatagramChannel channel = (IslaDatagramChannel) bind(hosts.client, bootstrap(reader), "0.0.0.0", 9);
        hosts.await(channel.joinGroup(InetAddress.getByName(GROUP)));
        Channel sender = bind(hosts.client, bootstrap(new Reader()), "127.0.0.1", 0);
        hosts.packets.clear();

        hosts.await(send(sender, new InetSocketAddress(GROUP, 9), 10));
        hosts.turn();

        assertThat(reader.lengths).containsExactly(10);
        assertThat(sent()).isEmpty();
    }

    // ------------------------------------------------------------------------------------------------ binding

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ipFreebindAllowsAnAddressThatTheHostHasNot(boolean free) {
        ChannelFuture bind = bootstrap(new Reader())
                .option(IslaChannelOption.IP_FREEBIND, free)
                .group(hosts.server)
                .bind("10.9.9.9", 9);
        hosts.until(bind::isDone);

        if (free) {
            assertThat(bind.channel().localAddress()).isEqualTo(new InetSocketAddress("10.9.9.9", 9));
        } else {
            assertThat(bind.cause()).isInstanceOf(BindException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ipv6V6onlyLeavesIpv4Alone(boolean only) {
        Reader reader = new Reader();
        bind(hosts.server, bootstrap(reader).option(IslaChannelOption.IPV6_V6ONLY, only), "::", 9);

        send(sender(), PORT_9, 10);
        hosts.turn();

        assertThat(reader.lengths).hasSize(only ? 0 : 1);
    }

    @Test
    void soReuseportSpreadsDatagramsByTheirFlow() {
        List<Reader> readers = List.of(new Reader(), new Reader(), new Reader());
        for (Reader reader : readers) {
            receiver(bootstrap(reader).option(IslaChannelOption.SO_REUSEPORT, true));
        }
        for (int i = 0; i < 60; i++) {
            Channel sender = sender();
            send(sender, PORT_9, 10);
            send(sender, PORT_9, 10);
            hosts.turn();
            // Two of one flow go to the same channel.
            assertThat(readers).allMatch(reader -> reader.lengths.size() % 2 == 0);
            hosts.await(sender.close());
        }

        assertThat(readers).allMatch(reader -> reader.lengths.size() > 10);
    }
}
