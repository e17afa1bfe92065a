/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.channel.IslaSocketChannel;
import io.isla.netty.channel.IslaTcpInfo;
import io.isla.netty.stack.Shard;
import io.isla.netty.tcp.TcpConnection;
import io.netty.channel.Channel;
import io.netty.util.concurrent.Future;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The connections of hosts. On the network's thread, in virtual time. */
final class Connections {
    private Connections() {}

    /** Whether a connection of the host has something under way, or is to send something. */
    static boolean hasUnfinished(VirtualHost host) {
        Shard shard = host.shard();
        if (shard == null || shard.isClosed()) {
            return false;
        }
        boolean[] found = new boolean[1];
        shard.tcp().forEachConnection(connection -> found[0] |= isUnfinished(connection));
        return found[0];
    }

    private static boolean isUnfinished(TcpConnection connection) {
        return switch (connection.state()) {
            case SYN_SENT, SYN_RECEIVED -> true;
            case CLOSED, LISTEN, TIME_WAIT -> false;
            default -> connection.hasUnacknowledgedData();
        };
    }

    static String describe(List<VirtualHost> hosts) {
        StringBuilder text = new StringBuilder();
        for (VirtualHost host : hosts) {
            text.append("host ")
                    .append(host.name())
                    .append(host.isUp() ? "" : " (not running)")
                    .append('\n');
            Set<Recorder.FlowKey> described = new HashSet<>();
            for (Channel channel : host.channels()) {
                described.add(TracedPacket.flow(channel));
                text.append("  ").append(describe(channel)).append('\n');
            }
            Shard shard = host.network().isRealTime() ? null : host.shard();
            if (shard != null) {
                describeOthers(host, shard, described, text);
            }
        }
        return text.toString();
    }

    /** What channels have left behind, such as what was written before they were closed, and what has not been accepted. */
    private static void describeOthers(
            VirtualHost host, Shard shard, Set<Recorder.FlowKey> described, StringBuilder text) {
        shard.tcp().forEachConnection(c -> {
            Recorder.FlowKey flow =
                    new Recorder.FlowKey(c.localAddress(), c.localPort(), c.remoteAddress(), c.remotePort());
            if (!described.contains(flow) && !isConnecting(host, flow)) {
                text.append("  [no channel, L:/")
                        .append(c.localAddress())
                        .append(':')
                        .append(c.localPort())
                        .append(" - R:/")
                        .append(c.remoteAddress())
                        .append(':')
                        .append(c.remotePort())
                        .append("] ")
                        .append(c.state())
                        .append(c.hasUnacknowledgedData() ? ", not acknowledged\n" : "\n");
            }
        });
        if (shard.tcp().timeWaitCount() > 0) {
            text.append("  ").append(shard.tcp().timeWaitCount()).append(" in TIME-WAIT\n");
        }
    }

    private static boolean isConnecting(VirtualHost host, Recorder.FlowKey flow) {
        return host.channels().stream().anyMatch(channel -> TracedPacket.isConnecting(channel, flow));
    }

    private static String describe(Channel channel) {
        String text = channel.toString();
        if (!(channel instanceof IslaSocketChannel socket)) {
            return text;
        }
        Future<IslaTcpInfo> future = socket.tcpInfo();
        if (!future.isSuccess()) {
            return text + " no connection";
        }
        IslaTcpInfo info = future.getNow();
        return text + " " + info.state() + ", " + info.congestionState() + ", cwnd " + info.cwnd() + ", flight "
                + info.flight() + ", unsent " + info.unsent() + ", peer's window " + info.sendWindow() + ", srtt "
                + info.srtt() / 1000 + " us, rto " + info.rto() / 1_000_000 + " ms, timeouts in a row "
                + info.retransmitTimeouts() + ", retransmitted " + info.totalRetransmits()
                + (channel.isWritable() ? "" : ", not writable")
                + (channel.config().isAutoRead() ? "" : ", not reading");
    }
}
