/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import java.io.IOException;

/** What a {@link LinkQueue} delivers to. All methods are called on the event loop of the queue. */
public interface LinkReceiver {
    /**
     * A frame has arrived. Must not throw.
     *
     * @param frame valid during this call only; see {@link InboundFrame} for how to keep its bytes
     */
    void onFrame(InboundFrame frame);

    /**
     * The device is gone or unusable for good: nothing will be received or sent any more.
     *
     * @param cause why; says what to do
     */
    void onLinkFailure(IOException cause);

    /**
     * The device has gone down: what is sent now is dropped and counted, and nothing arrives, until it comes {@linkplain #onLinkUp() up}
     * again. Called once each time.
     *
     * @param cause says what to do
     */
    default void onLinkDown(IOException cause) {}

    /** The device is up again after {@link #onLinkDown}. */
    default void onLinkUp() {}
}
