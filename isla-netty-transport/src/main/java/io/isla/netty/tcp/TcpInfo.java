/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * What a connection knows of itself, as Linux's {@code tcp_info} tells it. Times are in nanoseconds, sizes in bytes, unless the name says otherwise.
 *
 * @param state the state
 * @param congestionState OPEN, DISORDER, CWR, RECOVERY or LOSS, as Linux's {@code tcpi_ca_state}
 * @param congestionControl the name of the algorithm
 * @param timestamps whether RFC 7323 timestamps are in use
 * @param sack whether selective acknowledgements are in use
 * @param ecn whether explicit congestion notification is in use
 * @param sendWindowScale the peer's window shift
 * @param receiveWindowScale this end's window shift
 * @param rto the retransmission timeout, doubling included
 * @param srtt the smoothed round-trip time
 * @param rttVariance its mean deviation
 * @param minRtt the least round-trip time, 0 if none was measured
 * @param sendMss the most payload in a segment sent
 * @param receiveMss the estimated size of the segments received
 * @param cwnd the congestion window
 * @param ssthresh the slow start threshold, {@link Integer#MAX_VALUE} if none was set
 * @param sendWindow the window that the peer offers
 * @param receiveWindow the window that is offered to the peer
 * @param flight bytes sent and not acknowledged
 * @param sacked bytes of it selectively acknowledged
 * @param lost bytes of it deemed lost
 * @param retransmitting bytes of it retransmitted and deemed under way
 * @param unsent bytes written and never sent
 * @param retransmitTimeouts timeouts in a row
 * @param probes unanswered window probes or keep-alives
 * @param backoff how often the timeout is doubled
 * @param totalRetransmits segments retransmitted
 * @param bytesSent payload bytes sent for the first time
 * @param bytesAcked payload bytes acknowledged
 * @param bytesReceived payload bytes received, before duplicates were dropped
 * @param bytesRetransmitted payload bytes sent again
 * @param segmentsOut segments sent
 * @param segmentsIn segments received, joined ones counted once
 * @param dataSegmentsOut segments sent with payload
 * @param dataSegmentsIn segments received with payload, joined ones counted once
 * @param duplicateSacks DSACKs received
 * @param reorderings how often delivery out of order was seen
 * @param receiveBuffer the present size of the receive buffer
 * @param sendBuffer the present size of the send buffer
 * @param pacingRate bytes per second, 0 if there is no pacing
 * @param deliveryRate bytes per second that have lately arrived at the peer, 0 if nothing was measured
 * @param deliveryRateLimitedByApplication whether that was what there was to send, and not what the path takes
 * @param pathMtu the largest IP packet that is believed to get through, in bytes
 * @param delivered bytes known to have arrived at the peer
 * @param busy time with unacknowledged data
 * @param receiveWindowLimited share of it in which the peer's window was the limit
 * @param sendBufferLimited share of it in which the send buffer was the limit
 * @param sinceLastSent time since data was last sent
 * @param sinceLastReceived time since something was last received
 * @param urgent bytes still to be read up to the end of the urgent data that the peer has announced, 0 if there is none
 * @param ackDelay the present delay of delayed acknowledgements
 * @param advertisedMss the segment size that was announced to the peer, options not subtracted
 * @param reorderingWindow for how long data that was overtaken is not yet deemed lost (RFC 8985)
 * @param receiveRtt the receiver's own estimate of the round-trip time, 0 if there is none
 * @param outOfOrderSegmentsIn segments received ahead of a gap, joined ones counted once
 * @param deliveredMarked bytes delivered of which the peer has said that they met congestion (RFC 3168)
 * @param sinceLastDataReceived time since data was last received, or since the connection began
 */
public record TcpInfo(
        TcpState state,
        String congestionState,
        String congestionControl,
        boolean timestamps,
        boolean sack,
        boolean ecn,
        int sendWindowScale,
        int receiveWindowScale,
        long rto,
        long srtt,
        long rttVariance,
        long minRtt,
        int sendMss,
        int receiveMss,
        int cwnd,
        int ssthresh,
        int sendWindow,
        int receiveWindow,
        int flight,
        int sacked,
        int lost,
        int retransmitting,
        int unsent,
        int retransmitTimeouts,
        int probes,
        int backoff,
        long totalRetransmits,
        long bytesSent,
        long bytesAcked,
        long bytesReceived,
        long bytesRetransmitted,
        long segmentsOut,
        long segmentsIn,
        long dataSegmentsOut,
        long dataSegmentsIn,
        long duplicateSacks,
        long reorderings,
        int receiveBuffer,
        int sendBuffer,
        long pacingRate,
        long deliveryRate,
        boolean deliveryRateLimitedByApplication,
        int pathMtu,
        long delivered,
        long busy,
        long receiveWindowLimited,
        long sendBufferLimited,
        long sinceLastSent,
        long sinceLastReceived,
        int urgent,
        long ackDelay,
        int advertisedMss,
        long reorderingWindow,
        long receiveRtt,
        long outOfOrderSegmentsIn,
        long deliveredMarked,
        long sinceLastDataReceived) {

    static TcpInfo of(TcpConnection c, long now) {
        TcpStatistics s = c.statistics;
        s.account(now);
        return new TcpInfo(
                c.state,
                c.recovery.state().name(),
                c.congestion.name(),
                c.timestampsOn,
                c.sackOn,
                c.ecnOn,
                Math.max(0, c.sndScale),
                c.rcvScale,
                c.rtt.rto(),
                c.rtt.srtt(),
                c.rtt.rttvar(),
                c.rtt.minRtt() == Long.MAX_VALUE ? 0 : c.rtt.minRtt(),
                c.sndMss,
                c.ackPolicy.rcvMss,
                c.window.cwnd,
                c.window.ssthresh >= CongestionWindow.INFINITE ? Integer.MAX_VALUE : c.window.ssthresh,
                c.sndWnd,
                c.rcvWnd(),
                c.flightSize(),
                c.sent.sackedBytes(),
                c.sent.lostBytes(),
                c.sent.retransmittedBytes(),
                c.unsentBytes(),
                c.recovery.timeouts(),
                c.persistProbes + c.keepAliveProbes,
                c.rtt.backoff(),
                s.totalRetransmits,
                s.bytesSent,
                s.bytesAcked,
                s.bytesReceived,
                s.bytesRetransmitted,
                s.segmentsOut,
                s.segmentsIn,
                s.dataSegmentsOut,
                s.dataSegmentsIn,
                s.dsacks,
                s.reorderings,
                c.receiveBuffer.limit(),
                c.sendBuffer,
                c.congestion.pacingRate(c.window),
                c.deliveryRate.rate(),
                c.deliveryRate.isLimitedByApplication(),
                c.mtuSearch != null ? Math.min(c.path.mtu(), c.mtuSearch.mtu()) : c.path.mtu(),
                c.delivered,
                s.busyNanos,
                s.windowLimitedNanos,
                s.sendBufferLimitedNanos,
                now - c.lastSendAt,
                now - c.lastReceivedAt,
                c.urgentBytes(),
                c.ackPolicy.delay,
                c.stack.segments.announcedMss(c),
                c.recovery.rack.reorderingWindow(),
                c.receiveBuffer.rtt(),
                s.outOfOrderSegmentsIn,
                s.deliveredMarked,
                now - c.lastDataReceivedAt);
    }
}
