/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

/** What a {@link LinkQueue} counts. */
public enum LinkCounter {
    /** Frames received and delivered. */
    RX_FRAMES,
    /** Bytes in them. */
    RX_BYTES,
    /** Frames received whose virtio-net header makes no sense. */
    RX_BAD_HEADER,
    /** Frames longer than any receive buffer. */
    RX_TRUNCATED,
    /** Frames dropped because there was no memory for a receive buffer. */
    RX_NO_MEMORY,
    /** Frames dropped because the queue to the event loop was full, or no event loop was there to receive. */
    RX_QUEUE_FULL,
    /** Receive calls that failed. */
    RX_ERRORS,
    /** Frames sent. */
    TX_FRAMES,
    /** Bytes in them. */
    TX_BYTES,
    /** Frames dropped because the device's or the peer's queue was full. */
    TX_QUEUE_FULL,
    /** Frames dropped because they exceed what the link can carry. */
    TX_TOO_LONG,
    /** Frames dropped because the device is down. */
    TX_LINK_DOWN,
    /** Transmit calls that failed for another reason. */
    TX_ERRORS
}
