/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.netty.buffer.ByteBuf;

/** The options of a SYN or SYN-ACK to be written; one object per shard. */
final class SynOptions {
    int mss;
    /** -1 for none. */
    int windowScale;

    boolean sackPermitted;
    boolean timestamps;
    int timestampValue;
    int timestampEcho;
    /** The Fast Open cookie, empty to ask for one, or {@code null} for no option. */
    byte[] fastOpenCookie;

    void reset() {
        mss = 0;
        windowScale = -1;
        sackPermitted = false;
        timestamps = false;
        timestampValue = 0;
        timestampEcho = 0;
        fastOpenCookie = null;
    }

    /** Writes the options, padded with zeros or NOPs to a multiple of 4; returns their length. */
    int write(ByteBuf header, int at) {
        int position = at;
        header.setInt(position, TcpOption.MSS << 24 | TcpOption.MSS_LENGTH << 16 | mss);
        position += 4;
        if (timestamps) {
            if (sackPermitted) {
                header.setShort(position, TcpOption.SACK_PERMITTED << 8 | TcpOption.SACK_PERMITTED_LENGTH);
            } else {
                header.setShort(position, TcpOption.NOP << 8 | TcpOption.NOP);
            }
            header.setShort(position + 2, TcpOption.TIMESTAMPS << 8 | TcpOption.TIMESTAMPS_LENGTH);
            header.setInt(position + 4, timestampValue);
            header.setInt(position + 8, timestampEcho);
            position += 12;
        } else if (sackPermitted) {
            header.setInt(
                    position,
                    TcpOption.NOP << 24
                            | TcpOption.NOP << 16
                            | TcpOption.SACK_PERMITTED << 8
                            | TcpOption.SACK_PERMITTED_LENGTH);
            position += 4;
        }
        if (windowScale >= 0) {
            header.setInt(
                    position,
                    TcpOption.NOP << 24
                            | TcpOption.WINDOW_SCALE << 16
                            | TcpOption.WINDOW_SCALE_LENGTH << 8
                            | windowScale);
            position += 4;
        }
        if (fastOpenCookie != null && position - at + 2 + fastOpenCookie.length <= TcpOption.MAX_LENGTH) {
            header.setShort(position, TcpOption.FAST_OPEN << 8 | 2 + fastOpenCookie.length);
            header.setBytes(position + 2, fastOpenCookie);
            position += 2 + fastOpenCookie.length;
            while ((position - at & 3) != 0) {
                header.setByte(position++, TcpOption.END);
            }
        }
        return position - at;
    }
}
