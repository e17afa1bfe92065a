/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/** Kinds and lengths of TCP options (RFC 9293 §3.2, RFC 7323, RFC 2018, RFC 7413). */
final class TcpOption {
    static final int END = 0;
    static final int NOP = 1;
    static final int MSS = 2;
    static final int WINDOW_SCALE = 3;
    static final int SACK_PERMITTED = 4;
    static final int SACK = 5;
    static final int TIMESTAMPS = 8;
    static final int FAST_OPEN = 34;

    static final int MSS_LENGTH = 4;
    static final int WINDOW_SCALE_LENGTH = 3;
    static final int SACK_PERMITTED_LENGTH = 2;
    static final int TIMESTAMPS_LENGTH = 10;
    /** The timestamps option with two NOPs before it, so that its values are aligned. */
    static final int TIMESTAMPS_ALIGNED_LENGTH = 12;
    /** Bytes of options before the blocks of a SACK option: two NOPs, kind, length. */
    static final int SACK_ALIGNED_BASE = 4;

    static final int SACK_BLOCK_LENGTH = 8;
    /** The greatest shift count (RFC 7323 §2.3). */
    static final int MAX_WINDOW_SCALE = 14;

    static final int MAX_LENGTH = 40;

    private TcpOption() {}
}
