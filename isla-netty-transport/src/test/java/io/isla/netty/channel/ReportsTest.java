/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.channel.PacketLog.Packet;
import io.isla.netty.wire.TcpHeader;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What TCP tells its user beside the data, and the user it: urgent data (RFC 9293 §3.8.5) and soft errors (§3.9.1.8). */
@Timeout(WatchedHosts.DEADLINE_SECONDS)
class ReportsTest {
    @RegisterExtension
    final WatchedHosts hosts = new WatchedHosts();

    private final Reports clientLog = new Reports();
    private final Reports childLog = new Reports();

    /** Keeps the user events as well, each with the number of bytes that were read before it. */
    private static final class Reports extends EventLog {
        final List<Object> reports = new ArrayList<>();
        final List<Integer> readBefore = new ArrayList<>();

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) throws Exception {
            super.userEventTriggered(context, event);
            reports.add(event);
            readBefore.add(bytes().length);
        }
    }

    private ConnectedPair connect(Bootstrap client) throws Exception {
        return hosts.connect(hosts.serverBootstrap(childLog), childLog, client);
    }

    private Bootstrap client() {
        return hosts.clientBootstrap(clientLog);
    }

    private static ByteBuf bytes(int length) {
        return Unpooled.buffer(length).writeZero(length);
    }

    private IslaTcpInfo childInfo(ConnectedPair pair) {
        return ((IslaSocketChannel) pair.child()).tcpInfo().getNow();
    }

    @Test
    void urgentDataIsToldOfBeforeItIsReadInLine() throws Exception {
        ConnectedPair pair = connect(client());
        pair.child().config().setAutoRead(false);
        pair.client().write(bytes(100));
        pair.client().write(new IslaUrgentData(bytes(20)));
        ChannelFuture rest = pair.client().writeAndFlush(bytes(30));
        hosts.turn();
        assertThat(rest.isSuccess()).isTrue();
        assertThat(childLog.reports).isNotEmpty();
        assertThat(childLog.readBefore).containsOnly(0);
        // From where the channel is up to the end of what is urgent.
        assertThat(((IslaUrgentDataEvent) childLog.reports.get(childLog.reports.size() - 1)).bytes())
                .isEqualTo(120);
        assertThat(childInfo(pair).urgent()).isEqualTo(120);

        pair.child().config().setAutoRead(true);
        hosts.until(() -> childLog.bytes().length == 150);
        assertThat(childInfo(pair).urgent()).isZero();
        assertThat(hosts.packets.dataFrom(WatchedHosts.CLIENT)).anyMatch(packet -> packet.has(TcpHeader.URG));

        hosts.packets.clear();
        int reports = childLog.reports.size();
        hosts.await(pair.client().writeAndFlush(bytes(10)));
        hosts.until(() -> childLog.bytes().length == 160);
        assertThat(hosts.packets.dataFrom(WatchedHosts.CLIENT)).noneMatch(packet -> packet.has(TcpHeader.URG));
        assertThat(childLog.reports).hasSize(reports);
    }

    @Test
    void urgentDataMayBeLongerThanTheSendBuffer() throws Exception {
        ConnectedPair pair = connect(client().option(ChannelOption.SO_SNDBUF, 10_000));
        ChannelFuture written = pair.client().writeAndFlush(new IslaUrgentData(bytes(300_000)));
        hosts.until(() -> childLog.bytes().length == 300_000);
        assertThat(written.isSuccess()).isTrue();
        assertThat(hosts.packets.dataFrom(WatchedHosts.CLIENT)).allMatch(packet -> packet.has(TcpHeader.URG));
        assertThat(childLog.reports).isNotEmpty();
    }

    @Test
    void urgentDataThatIsEmptyIsDoneAndNothingElse() throws Exception {
        ConnectedPair pair = connect(client());
        hosts.packets.clear();
        hosts.await(pair.client().writeAndFlush(new IslaUrgentData(Unpooled.buffer(0))));
        assertThat(hosts.packets.dataFrom(WatchedHosts.CLIENT)).isEmpty();
        assertThat(childLog.reports).isEmpty();
    }

    @Test
    void retransmissionsUpToR1AreReportedAndEndNothing() throws Exception {
        ConnectedPair pair = connect(client());
        hosts.lose(Packet::isData);
        pair.client().writeAndFlush(bytes(10));
        hosts.until(() -> !clientLog.reports.isEmpty());
        assertThat(clientLog.reports).singleElement().isInstanceOfSatisfying(IslaErrorReportEvent.class, report -> {
            assertThat(report.cause()).isInstanceOf(SocketTimeoutException.class);
        });
        assertThat(hosts.packets.dataFrom(WatchedHosts.CLIENT)).hasSizeGreaterThanOrEqualTo(4);
        hosts.pass(10_000);
        assertThat(clientLog.reports).as("once").hasSize(1);
        hosts.lose(packet -> false);
        hosts.until(() -> childLog.bytes().length == 10);
        assertThat(pair.client().isActive()).isTrue();
        assertThat(clientLog.exception()).isNull();
    }

    @Test
    void reportsOfErrorsCanBeSwitchedOff() throws Exception {
        ConnectedPair pair = connect(client().option(IslaChannelOption.TCP_ERROR_REPORT, false));
        hosts.lose(Packet::isData);
        pair.client().writeAndFlush(bytes(10));
        hosts.pass(10_000);
        assertThat(hosts.packets.dataFrom(WatchedHosts.CLIENT)).hasSizeGreaterThanOrEqualTo(5);
        assertThat(clientLog.reports).isEmpty();
    }
}
