/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.stack.Shard;
import io.isla.netty.tcp.UndecidedSyn;
import java.net.InetSocketAddress;

/** Somebody wants to connect, and has no answer yet. What is decided first counts; all else has no effect. Any thread. */
public final class IslaSynRequest {
    private final UndecidedSyn request;
    private final Shard shard;
    private final InetSocketAddress localAddress;
    private final InetSocketAddress remoteAddress;

    IslaSynRequest(UndecidedSyn request) {
        this.request = request;
        shard = (Shard) request.stack().attachment();
        localAddress = AbstractIslaChannel.socketAddress(request.localAddress(), request.localPort());
        remoteAddress = AbstractIslaChannel.socketAddress(request.remoteAddress(), request.remotePort());
    }

    /** The address and port that is to be connected to: what the peer has dialled. */
    public InetSocketAddress localAddress() {
        return localAddress;
    }

    /** Who wants to connect; anybody can claim to be that, until the handshake is complete. */
    public InetSocketAddress remoteAddress() {
        return remoteAddress;
    }

    /** Goes on with the handshake; when it is complete, the server channel reads the connection. */
    public void accept() {
        decide(() -> request.accept(shard.now()));
    }

    /** Refuses the connection by a reset. */
    public void reject() {
        decide(() -> request.reject(shard.now()));
    }

    /** Leaves the request without an answer. The peer will send it again, and the handler see it again. */
    public void drop() {
        decide(request::drop);
    }

    private void decide(Runnable decision) {
        if (shard.loop().inLoop()) {
            decision.run();
        } else {
            shard.execute(decision);
        }
    }

    @Override
    public String toString() {
        return "IslaSynRequest(" + remoteAddress + " to " + localAddress + ")";
    }
}
