/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.wire.IpAddress;

/**
 * A connection request that nobody has answered yet. What is decided first counts; after {@link PassiveOpens#UNDECIDED_NANOS}, or when the listener is gone, it
 * is forgotten. The methods that decide are for the thread of its shard.
 */
public final class UndecidedSyn {
    private final TcpStack stack;
    private final SynRequest request;

    UndecidedSyn(TcpStack stack, SynRequest request) {
        this.stack = stack;
        this.request = request;
    }

    /** The stack that it has come to. */
    public TcpStack stack() {
        return stack;
    }

    /** The address that is to be connected to. */
    public IpAddress localAddress() {
        return IpAddress.of(request.localHigh, request.localLow);
    }

    /** The port that is to be connected to. */
    public int localPort() {
        return request.localPort;
    }

    /** The peer's address. */
    public IpAddress remoteAddress() {
        return IpAddress.of(request.remoteHigh, request.remoteLow);
    }

    /** The peer's port. */
    public int remotePort() {
        return request.remotePort;
    }

    /** Goes on with the handshake. */
    public void accept(long now) {
        stack.passive.accept(request, now);
    }

    /** Resets the connection, as if nobody listened. */
    public void reject(long now) {
        stack.passive.reject(request, now);
    }

    /** Forgets the request; the peer will ask again. */
    public void drop() {
        stack.passive.drop(request);
    }
}
