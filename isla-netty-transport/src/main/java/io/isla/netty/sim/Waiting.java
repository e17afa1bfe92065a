/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.netty.util.concurrent.BlockingOperationException;

/** Finds threads that are about to wait for what only they could bring about. */
final class Waiting {
    private static final StackWalker STACK = StackWalker.getInstance();
    /** From the event loop that is asked whether this is its thread to the promise that is to be waited for. */
    private static final int FRAMES = 8;

    private Waiting() {}

    /** Whether a promise asks because its user wants to wait for it. */
    static boolean isAbout() {
        return STACK.walk(frames ->
                frames.limit(FRAMES).anyMatch(frame -> frame.getMethodName().equals("checkDeadLock")));
    }

    static BlockingOperationException forEver() {
        return new BlockingOperationException(
                "this would wait for ever: virtual time stands still while the network's thread waits. Call network.await(future) instead, or"
                        + " network.runUntil(future::isDone, limit); in a handler, add a listener to the future");
    }
}
