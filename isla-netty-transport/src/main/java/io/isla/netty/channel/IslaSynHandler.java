/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

/**
 * Looks at requests for connections before they are answered: {@link IslaChannelOption#SYN_HANDLER}. Whoever connects waits meanwhile, so that a gateway can first
 * find out whether there is anybody behind it.
 */
@FunctionalInterface
public interface IslaSynHandler {
    /**
     * A request has come. Called on the event loop of the host that the connection would be on; must not block. Exceptions are logged, and drop the request.
     *
     * @param request to be {@linkplain IslaSynRequest#accept() accepted}, {@linkplain IslaSynRequest#reject() rejected} or {@linkplain IslaSynRequest#drop()
     *     dropped}, now or later. For 75 seconds it can wait; then it is dropped. As many may wait as connections in handshake, which the backlog and
     *     the host's limits say; what comes on top of that is dropped without being asked about
     */
    void onSyn(IslaSynRequest request);
}
