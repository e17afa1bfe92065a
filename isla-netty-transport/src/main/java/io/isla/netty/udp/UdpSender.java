/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.udp;

import io.isla.netty.ip.IpOutput;
import io.isla.netty.ip.Path;
import io.isla.netty.link.OutboundFrame;
import io.isla.netty.link.SegmentationType;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6Header;
import io.isla.netty.wire.UdpHeader;
import io.netty.buffer.ByteBuf;

/** Builds and sends datagrams. One object per shard. */
final class UdpSender {
    private static final int MAX_V4_PAYLOAD = 65_507;
    private static final int MAX_V6_PAYLOAD = 65_527;

    private final UdpStack stack;
    private final OutboundFrame frame;
    private final Path scratch = new Path();

    UdpSender(UdpStack stack, OutboundFrame frame) {
        this.stack = stack;
        this.frame = frame;
    }

    /**
     * Finds the way from an endpoint.
     *
     * @param local the address to speak from, or {@code null} for the endpoint's own, or the best if that is unspecified
     * @return whether there is one
     */
    boolean resolve(UdpEndpoint endpoint, IpAddress local, Path path, IpAddress to) {
        if (endpoint.isV6Only() && to.isV4()) {
            return false;
        }
        IpAddress from = local != null ? local : endpoint.localAddress();
        if (from.isUnspecified() && (!from.isV4() || to.isV4()) || local == null && endpoint.isShared()) {
            from = to.isV4() ? IpAddress.ANY_V4 : IpAddress.ANY_V6;
        }
        return stack.ip.resolve(path, from.high(), from.low(), to.high(), to.low());
    }

    IpOutput.Result send(
            UdpEndpoint endpoint,
            IpAddress to,
            int toPort,
            ByteBuf payload,
            int offset,
            int length,
            int segmentSize,
            long now) {
        Path path = path(endpoint, to);
        IpOutput.Result result = IpOutput.Result.NO_ROUTE;
        if (path != null) {
            boolean segmented = segmentSize > 0 && length > segmentSize;
            int room = segmented ? roomForSegments(path, to, segmentSize) : length;
            int done = 0;
            do {
                int n = Math.min(room, length - done);
                result = sendPart(endpoint, path, to, toPort, payload, offset + done, n, segmentSize, now);
                done += n;
            } while (done < length && result == IpOutput.Result.SENT);
        }
        stack.counters.increment(result == IpOutput.Result.SENT ? UdpCounter.OUT_DATAGRAMS : UdpCounter.OUT_ERRORS);
        return result;
    }

    /** The way to an address, or {@code null} if there is none. */
    private Path path(UdpEndpoint endpoint, IpAddress to) {
        UdpEndpoint.Peer peer = endpoint.peer();
        boolean toPeer = peer != null && to.equals(peer.address());
        Path path = toPeer ? endpoint.path() : scratch;
        boolean usable =
                toPeer && path.remoteHigh() == to.high() && path.remoteLow() == to.low() && stack.ip.refresh(path);
        return usable || resolve(endpoint, toPeer ? peer.local() : null, path, to) ? path : null;
    }

    /** How many payload bytes go into one frame to be segmented: a multiple of the segment size. */
    private static int roomForSegments(Path path, IpAddress to, int segmentSize) {
        int headers = (to.isV4() ? Ipv4Header.MIN_LENGTH : Ipv6Header.LENGTH) + UdpHeader.LENGTH;
        return Math.max(1, (path.maxSegmentationBytes() - headers) / segmentSize) * segmentSize;
    }

    private IpOutput.Result sendPart(
            UdpEndpoint endpoint,
            Path path,
            IpAddress to,
            int toPort,
            ByteBuf payload,
            int offset,
            int length,
            int segmentSize,
            long now) {
        if (length > (to.isV4() ? MAX_V4_PAYLOAD : MAX_V6_PAYLOAD)) {
            return IpOutput.Result.TOO_BIG;
        }
        frame.reset();
        int at = frame.append(UdpHeader.LENGTH);
        if (length > 0) {
            frame.addPayload(payload, offset, length);
        }
        int total = UdpHeader.LENGTH + length;
        UdpHeader.write(
                frame.header(),
                at,
                endpoint.localPort(),
                toPort,
                total,
                InternetChecksum.pseudoHeader(
                        path.localHigh(), path.localLow(), to.high(), to.low(), IpProtocol.UDP, total));
        frame.requestChecksum(at, UdpHeader.CHECKSUM_OFFSET);
        if (segmentSize > 0 && length > segmentSize) {
            frame.requestSegmentation(SegmentationType.UDP, segmentSize);
        }
        return stack.ip.send(
                frame,
                path,
                IpProtocol.UDP,
                endpoint.trafficClass(),
                endpoint.hopLimitFor(to),
                endpoint.sendFlags(to),
                now);
    }
}
