/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DatagramPacket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A loop that is suspended, as by Netty's auto-scaling, leaves no hole: the others have its share of the host until it runs again. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class SuspensionTest {
    private static final int MANY = 16;
    private static final int GOODBYE = 99;

    @RegisterExtension
    final TwoHosts hosts = new TwoHosts();

    /** A server that sends back what comes, and closes when it has heard a goodbye. */
    private Channel echoServer(EventLoopGroup parents, EventLoopGroup children) throws InterruptedException {
        return new ServerBootstrap()
                .group(parents, children)
                .channel(IslaServerSocketChannel.class)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new ChannelInboundHandlerAdapter() {
                            @Override
                            public void channelRead(ChannelHandlerContext context, Object message) {
                                ByteBuf bytes = (ByteBuf) message;
                                int last = bytes.getByte(bytes.writerIndex() - 1);
                                context.writeAndFlush(message);
                                if (last == GOODBYE) {
                                    context.close();
                                }
                            }
                        });
                    }
                })
                .bind(TwoHosts.SERVER, 0)
                .sync()
                .channel();
    }

    /** A client, and the bytes that it gets back. */
    private record Client(Channel channel, BlockingQueue<Byte> back) {
        static Client connect(EventLoopGroup group, Channel server) throws InterruptedException {
            BlockingQueue<Byte> back = new LinkedBlockingQueue<>();
            Channel channel = new Bootstrap()
                    .group(group)
                    .channel(IslaSocketChannel.class)
                    .handler(new SimpleChannelInboundHandler<ByteBuf>() {
                        @Override
                        protected void channelRead0(ChannelHandlerContext context, ByteBuf bytes) {
                            while (bytes.isReadable()) {
                                back.add(bytes.readByte());
                            }
                        }
                    })
                    .connect(server.localAddress())
                    .sync()
                    .channel();
            return new Client(channel, back);
        }

        void ask(int value) throws InterruptedException {
            channel.writeAndFlush(Unpooled.buffer(1).writeByte(value)).sync();
            assertThat(back.poll(TwoHosts.DEADLINE_SECONDS, TimeUnit.SECONDS)).isEqualTo((byte) value);
        }

        /** Has the server close, so that nothing is left of the connection at the client. */
        void part() throws InterruptedException {
            ask(GOODBYE);
            channel.closeFuture().sync();
        }
    }

    private int shards() {
        return hosts.serverHost.stack().shards().size();
    }

    @Test
    void theOthersHaveItsShareUntilItRunsAgain() throws Exception {
        Suspension loops = Suspension.of(hosts.serverGroup);
        Channel server = echoServer(loops.leading(), hosts.serverGroup);
        loops.suspend();
        assertThat(shards()).isEqualTo(1);
        List<Client> clients = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            clients.add(Client.connect(hosts.clientGroup, server));
        }
        for (Client client : clients) {
            client.ask(1);
        }
        assertThat(loops.other().isSuspended()).isTrue();

        loops.thread();
        assertThat(loops.other().isSuspended()).isFalse();
        assertThat(shards()).isEqualTo(2);
        for (int i = 0; i < MANY; i++) {
            clients.add(Client.connect(hosts.clientGroup, server));
        }
        for (Client client : clients) {
            client.ask(2);
        }
    }

    @Test
    void aChannelWakesItUpAndIsItsReasonToRun() throws Exception {
        Suspension loops = Suspension.of(hosts.clientGroup);
        Channel server = echoServer(hosts.serverGroup, hosts.serverGroup);
        for (int i = 0; i < 3; i++) {
            loops.suspend();
            Client client = Client.connect(loops.other(), server);
            assertThat(client.channel().eventLoop()).isSameAs(loops.other());
            Thread thread = loops.thread();
            loops.ask();
            client.ask(i);
            assertThat(thread.isAlive()).isTrue();

            client.part();
            Suspension.awaitEnd(thread);
            assertThat(loops.other().isSuspended()).isTrue();
        }
    }

    @Test
    void aConnectionWithoutAChannelIsAReasonToRun() throws Exception {
        Suspension loops = Suspension.of(hosts.clientGroup);
        Channel server = echoServer(hosts.serverGroup, hosts.serverGroup);
        Client client = Client.connect(loops.other(), server);
        Thread thread = loops.thread();
        client.channel().deregister().sync();
        loops.ask();
        hosts.settle();
        assertThat(thread.isAlive()).isTrue();

        // It moves with its channel.
        loops.leading().register(client.channel()).sync();
        Suspension.awaitEnd(thread);
        client.ask(1);
    }

    @Test
    void anEndpointWithoutAChannelIsAReasonToRun() throws Exception {
        Suspension loops = Suspension.of(hosts.serverGroup);
        DatagramLog log = new DatagramLog();
        Channel receiver = new Bootstrap()
                .group(loops.other())
                .channel(IslaDatagramChannel.class)
                .handler(log)
                .bind(TwoHosts.SERVER, 0)
                .sync()
                .channel();
        Channel sender = new Bootstrap()
                .group(hosts.clientGroup)
                .channel(IslaDatagramChannel.class)
                .handler(new DatagramLog())
                .bind(0)
                .sync()
                .channel();
        Thread thread = loops.thread();
        receiver.deregister().sync();
        loops.ask();
        sender.writeAndFlush(datagram("while it is nowhere", receiver)).sync();
        hosts.settle();
        assertThat(thread.isAlive()).isTrue();

        loops.leading().register(receiver).sync();
        Suspension.awaitEnd(thread);
        sender.writeAndFlush(datagram("where it is now", receiver)).sync();
        assertThat(log.next().text()).isEqualTo("while it is nowhere");
        assertThat(log.next().text()).isEqualTo("where it is now");
    }

    private static DatagramPacket datagram(String text, Channel to) {
        return new DatagramPacket(
                Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII), (InetSocketAddress) to.localAddress());
    }

    @Test
    void groupsAreHeardByALoopThatRunsAgain() throws Exception {
        Suspension loops = Suspension.of(hosts.serverGroup);
        InetAddress group = InetAddress.getByName("230.0.0.1");
        DatagramLog log = new DatagramLog();
        IslaDatagramChannel member = (IslaDatagramChannel) new Bootstrap()
                .group(loops.leading())
                .channel(IslaDatagramChannel.class)
                .handler(log)
                .bind(0)
                .sync()
                .channel();
        member.joinGroup(group).sync();
        loops.suspend();
        loops.thread();
        InetSocketAddress to =
                new InetSocketAddress(group, member.localAddress().getPort());
        for (int i = 0; i < MANY; i++) {
            // Each is a flow of its own, which the link gives to one of the loops.
            Channel flow = new Bootstrap()
                    .group(hosts.clientGroup)
                    .channel(IslaDatagramChannel.class)
                    .handler(new DatagramLog())
                    .bind(0)
                    .sync()
                    .channel();
            flow.writeAndFlush(new DatagramPacket(Unpooled.copyInt(i), to)).sync();
        }
        for (int i = 0; i < MANY; i++) {
            assertThat(log.next().text()).hasSize(Integer.BYTES);
        }
    }

    @Test
    void theLoopThatLeadsRefusesAndPassesTheLeadOnWhenItEnds() throws Exception {
        Suspension loops = Suspension.of(hosts.serverGroup);
        loops.suspend();
        assertThat(((IslaEventLoop) loops.leading()).trySuspend()).isFalse();
        assertThat(loops.leading().isSuspended()).isFalse();

        loops.leading().shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();
        assertThat(shards()).isZero();
        loops.thread();
        assertThat(((IslaEventLoop) loops.other()).isLeading()).isTrue();
        Channel server = echoServer(loops.other(), loops.other());
        Client.connect(hosts.clientGroup, server).ask(1);
    }

    @Test
    void connectionsThatWaitForTheirFirstDataOutliveTheirLoop() throws Exception {
        Suspension loops = Suspension.of(hosts.serverGroup);
        Channel server = echoServer(loops.leading(), loops.leading());
        server.config().setOption(IslaChannelOption.TCP_DEFER_ACCEPT, 3600);
        List<Client> clients = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            clients.add(Client.connect(hosts.clientGroup, server));
        }
        // A client is connected before the server has its acknowledgement.
        hosts.settle();
        loops.other().shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        assertThat(shards()).isEqualTo(1);

        for (Client client : clients) {
            client.ask(1);
        }
    }

    @Test
    void aSuspendedLoopShutsDown() throws Exception {
        Suspension loops = Suspension.of(hosts.serverGroup);
        loops.suspend();
        hosts.serverGroup.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        assertThat(loops.other().isTerminated()).isTrue();
        assertThat(shards()).isZero();
    }
}
