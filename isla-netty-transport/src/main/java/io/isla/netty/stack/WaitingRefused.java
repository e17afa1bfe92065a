/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

/**
 * An event loop that has more to say to whoever waits for one of its own futures on its own thread than that this is no good. A future of a channel asks whether
 * the channel is registered before it looks which thread that is, and so the channel can pass the question on.
 */
public interface WaitingRefused {
    /**
     * Somebody has asked whether a channel is registered, perhaps in order to wait for it.
     *
     * @throws io.netty.util.concurrent.BlockingOperationException if so, and if it would be for ever; says what to do instead
     */
    void refuseToWait();
}
