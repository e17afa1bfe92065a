/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.tcp.SynGate;
import io.isla.netty.tcp.UndecidedSyn;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;

/** Shows a user's handler the requests for connections. */
record SynHandlerGate(IslaSynHandler handler) implements SynGate {
    private static final InternalLogger logger = InternalLoggerFactory.getInstance(SynHandlerGate.class);

    @Override
    public void onSyn(UndecidedSyn request) {
        try {
            handler.onSyn(new IslaSynRequest(request));
        } catch (Throwable t) {
            logger.warn("A SYN_HANDLER has thrown an exception; the request is dropped.", t);
            request.drop();
        }
    }
}
