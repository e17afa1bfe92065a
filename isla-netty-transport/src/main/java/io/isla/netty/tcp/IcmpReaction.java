/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.ip.IcmpError;
import io.isla.netty.ip.IcmpErrorKind;
import io.isla.netty.wire.TcpHeader;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;

/**
 * ICMP errors about segments (RFC 9293 §3.9.2.2, RFC 5461): only one that quotes a sequence number in flight is believed (RFC 5927). One object per
 * shard.
 */
final class IcmpReaction {
    private final TcpStack stack;

    IcmpReaction(TcpStack stack) {
        this.stack = stack;
    }

    /** An error has arrived, or the network layer has found it out itself. */
    void receive(IcmpError error, long now) {
        if (error.transportLength() < 8) {
            stack.counters.increment(TcpCounter.ICMP_IGNORED);
            return;
        }
        int localPort = TcpHeader.sourcePort(error.buffer(), error.transportOffset());
        int remotePort = TcpHeader.destinationPort(error.buffer(), error.transportOffset());
        int sequence = TcpHeader.sequenceNumber(error.buffer(), error.transportOffset());
        Flow flow = stack.flows.get(
                error.localHigh(), error.localLow(), localPort, error.remoteHigh(), error.remoteLow(), remotePort);
        if (flow instanceof SynRequest request) {
            stack.passive.receiveError(request, sequence, error.kind());
            return;
        }
        if (!(flow instanceof TcpConnection c)) {
            // Every shard sees the error; the one whose flow it would be counts it.
            if (stack.policy.owns(
                    error.localHigh(),
                    error.localLow(),
                    localPort,
                    error.remoteHigh(),
                    error.remoteLow(),
                    remotePort)) {
                stack.counters.increment(TcpCounter.ICMP_IGNORED);
            }
            return;
        }
        if (!SequenceNumber.between(c.sndUna, sequence, c.sndNxt) || sequence == c.sndNxt && c.flightSize() > 0) {
            stack.counters.increment(TcpCounter.OUT_OF_WINDOW_ICMPS);
            return;
        }
        boolean opening = c.state == TcpState.SYN_SENT || c.state == TcpState.SYN_RECEIVED;
        switch (error.kind()) {
            case PACKET_TOO_BIG -> pathTooNarrow(c, error, now);
            case PORT_UNREACHABLE, PROTOCOL_UNREACHABLE, ADMINISTRATIVELY_PROHIBITED -> {
                // Hard by RFC 1122, but only an attempt to connect is ended by it (RFC 5461 §4, RFC 5927 §5.2).
                IOException cause = error.kind() == IcmpErrorKind.ADMINISTRATIVELY_PROHIBITED
                        ? new NoRouteToHostException("No route to host: administratively prohibited")
                        : new ConnectException("Connection refused");
                if (opening) {
                    stack.counters.increment(TcpCounter.ATTEMPT_FAILS);
                    c.fail(cause, now);
                } else {
                    c.softError(cause);
                }
            }
            case NETWORK_UNREACHABLE, HOST_UNREACHABLE, SOURCE_ROUTE_FAILED -> {
                IOException cause = new NoRouteToHostException("No route to host");
                // RFC 9293 MUST-56 forbids to abort; but an attempt to connect is better ended than left to time out
                // (RFC 5461 §4.1, Linux).
                if (opening) {
                    stack.counters.increment(TcpCounter.ATTEMPT_FAILS);
                    c.fail(cause, now);
                } else {
                    c.softError(cause);
                }
            }
            default ->
                c.softError(new SocketException(
                        error.kind() == IcmpErrorKind.TIME_EXCEEDED
                                ? "Time to live exceeded in transit"
                                : "Parameter problem"));
        }
    }

    private void pathTooNarrow(TcpConnection c, IcmpError error, long now) {
        stack.ip.updatePathMtu(c.localHigh, c.localLow, c.remoteHigh, c.remoteLow, error.mtu(), now);
        if (!stack.ip.refresh(c.path) || !c.state.isSynchronized()) {
            return;
        }
        stack.output.updateSegmentSize(c);
        // Also where another connection was told before: this one's packets are the ones that did not get through.
        if (c.recovery.onPathMtuReduced()) {
            stack.output.output(c, now);
            stack.timers.rearm(c, now);
        }
    }
}
