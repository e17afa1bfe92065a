/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.tcp.TcpInfo;

/**
 * What a connection knew of itself at some moment, as Linux's {@code tcp_info} tells it. Times are in nanoseconds, sizes in bytes.
 *
 * @param state the state by its name in RFC 9293, such as {@code ESTABLISHED}
 * @param congestionState OPEN, DISORDER, CWR, RECOVERY or LOSS
 * @param congestionControl the name of the algorithm
 * @param timestamps whether timestamps are in use (RFC 7323)
 * @param sack whether selective acknowledgements are in use (RFC 2018)
 * @param ecn whether explicit congestion notification is in use (RFC 3168)
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
 * @param duplicateSacks duplicate SACKs received (RFC 2883)
 * @param reorderings how often delivery out of order was seen
 * @param receiveBuffer the size of the receive buffer
 * @param sendBuffer the size of the send buffer
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
public record IslaTcpInfo(
        String state,
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

    static IslaTcpInfo of(TcpInfo i) {
        return new IslaTcpInfo(
                i.state().name(),
                i.congestionState(),
                i.congestionControl(),
                i.timestamps(),
                i.sack(),
                i.ecn(),
                i.sendWindowScale(),
                i.receiveWindowScale(),
                i.rto(),
                i.srtt(),
                i.rttVariance(),
                i.minRtt(),
                i.sendMss(),
                i.receiveMss(),
                i.cwnd(),
                i.ssthresh(),
                i.sendWindow(),
                i.receiveWindow(),
                i.flight(),
                i.sacked(),
                i.lost(),
                i.retransmitting(),
                i.unsent(),
                i.retransmitTimeouts(),
                i.probes(),
                i.backoff(),
                i.totalRetransmits(),
                i.bytesSent(),
                i.bytesAcked(),
                i.bytesReceived(),
                i.bytesRetransmitted(),
                i.segmentsOut(),
                i.segmentsIn(),
                i.dataSegmentsOut(),
                i.dataSegmentsIn(),
                i.duplicateSacks(),
                i.reorderings(),
                i.receiveBuffer(),
                i.sendBuffer(),
                i.pacingRate(),
                i.deliveryRate(),
                i.deliveryRateLimitedByApplication(),
                i.pathMtu(),
                i.delivered(),
                i.busy(),
                i.receiveWindowLimited(),
                i.sendBufferLimited(),
                i.sinceLastSent(),
                i.sinceLastReceived(),
                i.urgent(),
                i.ackDelay(),
                i.advertisedMss(),
                i.reorderingWindow(),
                i.receiveRtt(),
                i.outOfOrderSegmentsIn(),
                i.deliveredMarked(),
                i.sinceLastDataReceived());
    }
}
