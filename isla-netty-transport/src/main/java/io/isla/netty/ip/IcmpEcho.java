/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.link.OutboundFrame;
import io.isla.netty.wire.IcmpHeader;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.InternetChecksum;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.netty.buffer.ByteBuf;
import java.util.Arrays;

/** Sends ICMP and ICMPv6 echo requests for whoever wants to ping, and tells them of the replies. Shard thread only. */
public final class IcmpEcho {
    /** Whoever has registered an identifier. */
    public interface Listener {
        /**
         * A reply has arrived. Its data follows the 8 bytes of the ICMP header at {@link InboundPacket#transportOffset()}.
         *
         * @param packet valid during this call
         * @param sequenceNumber that of the request
         * @param now the present, in nanoseconds
         */
        void receiveReply(InboundPacket packet, int sequenceNumber, long now);

        /**
         * A request could not be delivered.
         *
         * @param error valid during this call
         * @param sequenceNumber that of the request
         * @param now the present, in nanoseconds
         */
        void receiveError(IcmpError error, int sequenceNumber, long now);
    }

    private final IpContext context;
    private final IpOutput output;
    private final OutboundFrame frame = new OutboundFrame();
    private int[] identifiers = new int[4];
    private Listener[] listeners = new Listener[4];
    private int size;

    IcmpEcho(IpContext context, IpOutput output) {
        this.context = context;
        this.output = output;
    }

    /**
     * Registers who is told of replies to an identifier.
     *
     * @param identifier 0 to 65,535
     * @return whether it was free
     */
    public boolean register(int identifier, Listener listener) {
        if (identifier >>> 16 != 0) {
            throw new IllegalArgumentException("an echo identifier has 16 bits: " + identifier);
        }
        if (indexOf(identifier) >= 0) {
            return false;
        }
        if (size == identifiers.length) {
            identifiers = Arrays.copyOf(identifiers, size * 2);
            listeners = Arrays.copyOf(listeners, size * 2);
        }
        identifiers[size] = identifier;
        listeners[size] = listener;
        size++;
        return true;
    }

    /** Frees an identifier; does nothing if it is free. */
    public void unregister(int identifier) {
        int i = indexOf(identifier);
        if (i >= 0) {
            size--;
            identifiers[i] = identifiers[size];
            listeners[i] = listeners[size];
            listeners[size] = null;
        }
    }

    /**
     * Sends an echo request.
     *
     * @param path where to; resolved by the caller
     * @param identifier the registered identifier
     * @param sequenceNumber 0 to 65,535
     * @param data what is to come back; not retained, indices not changed
     * @param hopLimit the TTL or hop limit, 1 to 255
     * @param flags as for {@link IpOutput#send}
     * @param now the present, in nanoseconds
     */
    public IpOutput.Result send(
            Path path, int identifier, int sequenceNumber, ByteBuf data, int hopLimit, int flags, long now) {
        boolean v4 = IpAddress.isV4(path.remoteHigh(), path.remoteLow());
        frame.reset();
        int at = frame.append(IcmpHeader.LENGTH);
        ByteBuf header = frame.header();
        int length = data.readableBytes();
        if (length > 0) {
            frame.addPayload(data, data.readerIndex(), length);
        }
        if (v4) {
            IcmpHeader.writeEcho(header, at, IcmpHeader.ECHO_REQUEST, identifier, sequenceNumber & 0xffff);
        } else {
            Icmpv6Header.writeEcho(header, at, Icmpv6Header.ECHO_REQUEST, identifier, sequenceNumber & 0xffff);
        }
        int sum = v4
                ? 0
                : InternetChecksum.pseudoHeaderV6(
                        path.localHigh(),
                        path.localLow(),
                        path.remoteHigh(),
                        path.remoteLow(),
                        IpProtocol.ICMPV6,
                        frame.length());
        sum = InternetChecksum.add(sum, InternetChecksum.sum(header, at, IcmpHeader.LENGTH));
        sum = InternetChecksum.add(sum, InternetChecksum.sum(data, data.readerIndex(), length));
        IcmpHeader.checksum(header, at, InternetChecksum.complement(sum));
        IpOutput.Result result =
                output.send(frame, path, v4 ? IpProtocol.ICMP : IpProtocol.ICMPV6, 0, hopLimit, flags, now);
        if (result == IpOutput.Result.SENT) {
            context.counters.increment(v4 ? IpCounter.ICMP_OUT_MSGS : IpCounter.ICMP6_OUT_MSGS);
            context.counters.increment(v4 ? IpCounter.ICMP_OUT_ECHOS : IpCounter.ICMP6_OUT_ECHOS);
        } else {
            context.counters.increment(v4 ? IpCounter.ICMP_OUT_ERRORS : IpCounter.ICMP6_OUT_ERRORS);
        }
        frame.reset();
        return result;
    }

    /** An echo reply has arrived; returns whether someone waited for it. */
    boolean receiveReply(InboundPacket packet, int identifier, int sequenceNumber, long now) {
        int i = indexOf(identifier);
        if (i < 0) {
            return false;
        }
        listeners[i].receiveReply(packet, sequenceNumber, now);
        return true;
    }

    /** An echo request could not be delivered. */
    void receiveError(IcmpError error, int identifier, int sequenceNumber, long now) {
        int i = indexOf(identifier);
        if (i >= 0) {
            if (error.kind == IcmpErrorKind.PACKET_TOO_BIG) {
                output.updatePathMtu(
                        error.localHigh, error.localLow, error.remoteHigh, error.remoteLow, error.mtu, now);
            }
            listeners[i].receiveError(error, sequenceNumber, now);
        }
    }

    void close() {
        frame.release();
    }

    private int indexOf(int identifier) {
        for (int i = 0; i < size; i++) {
            if (identifiers[i] == identifier) {
                return i;
            }
        }
        return -1;
    }
}
