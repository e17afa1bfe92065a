/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import io.isla.netty.ip.IcmpErrorKind;
import io.isla.netty.stack.EchoListener;
import io.isla.netty.wire.IpAddress;
import io.netty.util.concurrent.Promise;
import java.io.IOException;

/** Completes a promise with what becomes of an echo request. */
record PromisedEcho(Promise<EchoReply> promise) implements EchoListener {
    @Override
    public void onReply(IpAddress from, int size, int hopLimit, long roundTripNanos) {
        promise.trySuccess(new EchoReply(from.toInetAddress(), size, hopLimit, roundTripNanos));
    }

    @Override
    public void onUnreachable(IpAddress reporter, IcmpErrorKind kind, int type, int code, int mtu) {
        promise.tryFailure(new IcmpErrorException(reporter.toInetAddress(), kind, type, code, mtu));
    }

    @Override
    public void onFailure(IOException cause) {
        promise.tryFailure(cause);
    }
}
