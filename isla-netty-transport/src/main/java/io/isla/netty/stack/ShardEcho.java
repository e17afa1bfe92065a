/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.ip.IcmpEcho;
import io.isla.netty.ip.IcmpError;
import io.isla.netty.ip.InboundPacket;
import io.isla.netty.ip.IpOutput;
import io.isla.netty.ip.Path;
import io.isla.netty.timer.Timer;
import io.isla.netty.wire.IcmpHeader;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import io.netty.util.collection.IntObjectHashMap;
import io.netty.util.collection.IntObjectMap;
import java.io.IOException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** The echo requests that one shard has sent, and waits for replies to. Shard thread only. */
final class ShardEcho {
    /** The most requests that wait for replies; more are refused. */
    static final int MAX_PENDING = 4096;

    private static final int SEQUENCE_NUMBERS = 1 << 16;
    /** Data begins with this much that nobody can guess: a reply that does not bring it back is not one. */
    private static final int NONCE_BYTES = 8;

    /** Whether no request waits for a reply. */
    boolean isIdle() {
        return pending.isEmpty();
    }

    private final class Pending extends Timer {
        final EchoRequest request;
        final EchoListener listener;
        final int sequenceNumber;
        final long nonce;
        final long sentAt;

        Pending(EchoRequest request, EchoListener listener, int sequenceNumber, long nonce, long sentAt) {
            this.request = request;
            this.listener = listener;
            this.sequenceNumber = sequenceNumber;
            this.nonce = nonce;
            this.sentAt = sentAt;
        }

        @Override
        protected void expire(long now) {
            pending.remove(sequenceNumber);
            listener.onFailure(new SocketTimeoutException("no reply from " + request.to() + " within "
                    + TimeUnit.NANOSECONDS.toMillis(request.timeoutNanos()) + " ms"));
        }
    }

    private final class Replies implements IcmpEcho.Listener {
        @Override
        public void receiveReply(InboundPacket packet, int sequenceNumber, long now) {
            Pending waiting = pending.get(sequenceNumber);
            if (waiting == null || !isReplyTo(waiting, packet)) {
                return;
            }
            finish(waiting);
            waiting.listener.onReply(
                    IpAddress.of(packet.sourceHigh(), packet.sourceLow()),
                    waiting.request.size(),
                    packet.hopLimit(),
                    now - waiting.sentAt);
        }

        @Override
        public void receiveError(IcmpError error, int sequenceNumber, long now) {
            Pending waiting = pending.get(sequenceNumber);
            if (waiting == null || !waiting.request.to().is(error.remoteHigh(), error.remoteLow())) {
                return;
            }
            finish(waiting);
            waiting.listener.onUnreachable(
                    IpAddress.of(error.reporterHigh(), error.reporterLow()),
                    error.kind(),
                    error.type(),
                    error.code(),
                    error.mtu());
        }
    }

    private final Shard shard;
    private final LongSupplier random;
    private final IntObjectMap<Pending> pending = new IntObjectHashMap<>();
    private final Path path = new Path();
    private int identifier = -1;
    private int nextSequenceNumber;
    /** What requests are filled with. */
    private ByteBuf data;

    ShardEcho(Shard shard, LongSupplier random) {
        this.shard = shard;
        this.random = random;
    }

    void send(EchoRequest request, EchoListener listener) {
        IOException refused = refusal(request);
        if (refused != null) {
            listener.onFailure(refused);
            return;
        }
        long now = shard.now();
        long nonce = random.getAsLong();
        int sequenceNumber = nextSequenceNumber();
        ByteBuf contents = contents(request.size(), nonce);
        Pending waiting = new Pending(request, listener, sequenceNumber, nonce, now);
        pending.put(sequenceNumber, waiting);
        IpOutput.Result result = shard.ip()
                .echo()
                .send(
                        path,
                        identifier,
                        sequenceNumber,
                        contents,
                        request.hopLimit(),
                        request.dontFragment() ? IpOutput.DONT_FRAGMENT : 0,
                        now);
        if (result == IpOutput.Result.SENT) {
            shard.timers().arm(waiting, now + request.timeoutNanos());
            return;
        }
        pending.remove(sequenceNumber);
        listener.onFailure(
                switch (result) {
                    case TOO_BIG ->
                        new IOException("Message too long: " + request.size() + " bytes to " + request.to()
                                + ", the path MTU is " + path.mtu());
                    case NO_SOURCE ->
                        new SocketException("Cannot assign requested address: " + request.from()
                                + " is not an address of this host");
                    case NOT_PERMITTED ->
                        new SocketException("Permission denied: " + request.to() + " is a broadcast address");
                    default -> noRoute(request);
                });
    }

    /** Fails what waits. */
    void close() {
        List<Pending> left = new ArrayList<>(pending.values());
        pending.clear();
        for (Pending waiting : left) {
            shard.timers().cancel(waiting);
            waiting.listener.onFailure(new SocketException("the event loop has been shut down"));
        }
        if (identifier >= 0) {
            shard.ip().echo().unregister(identifier);
            shard.host().echoIdentifiers().free(identifier);
        }
        if (data != null) {
            data.release();
            data = null;
        }
    }

    private IOException refusal(EchoRequest request) {
        if (shard.isClosed()) {
            return new SocketException("the event loop has been shut down");
        }
        if (pending.size() >= MAX_PENDING) {
            return new IOException("too many echo requests wait for replies: " + MAX_PENDING);
        }
        IpAddress to = request.to();
        IpAddress from = request.from() != null ? request.from() : to.isV4() ? IpAddress.ANY_V4 : IpAddress.ANY_V6;
        if (to.isUnspecified() || !shard.ip().resolve(path, from.high(), from.low(), to.high(), to.low())) {
            return noRoute(request);
        }
        if (identifier < 0) {
            identifier = shard.host().echoIdentifiers().take(shard, (int) random.getAsLong());
            if (identifier < 0) {
                return new IOException("no echo identifier is free");
            }
            shard.ip().echo().register(identifier, new Replies());
        }
        return null;
    }

    private static IOException noRoute(EchoRequest request) {
        return new NoRouteToHostException("Network is unreachable: there is no route to " + request.to()
                + (request.from() == null ? "" : " from " + request.from()));
    }

    private int nextSequenceNumber() {
        do {
            nextSequenceNumber = (nextSequenceNumber + 1) % SEQUENCE_NUMBERS;
        } while (pending.containsKey(nextSequenceNumber));
        return nextSequenceNumber;
    }

    private ByteBuf contents(int size, long nonce) {
        if (data == null || data.capacity() < size) {
            if (data != null) {
                data.release();
            }
            data = shard.loop().allocator().directBuffer(Math.max(size, 64));
            for (int i = 0; i < data.capacity(); i++) {
                data.setByte(i, i);
            }
        }
        data.setIndex(0, size);
        if (size >= NONCE_BYTES) {
            data.setLong(0, nonce);
        }
        return data;
    }

    private boolean isReplyTo(Pending waiting, InboundPacket packet) {
        EchoRequest request = waiting.request;
        int at = packet.transportOffset() + IcmpHeader.LENGTH;
        boolean sender = request.to().is(packet.sourceHigh(), packet.sourceLow())
                || request.to().isMulticast();
        return sender
                && packet.transportLength() - IcmpHeader.LENGTH == request.size()
                && (request.size() < NONCE_BYTES || packet.buffer().getLong(at) == waiting.nonce);
    }

    private void finish(Pending waiting) {
        shard.timers().cancel(waiting);
        pending.remove(waiting.sequenceNumber);
    }
}
