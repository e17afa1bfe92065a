/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/** What a {@link TcpUser} is told of, as bits. */
public final class TcpEvents {
    /** The connection has reached ESTABLISHED. */
    public static final int CONNECTED = 1;
    /** There is something new to read, or the end of the peer's data has come. */
    public static final int READABLE = 1 << 1;
    /** There is room to send, after there was too little. */
    public static final int WRITABLE = 1 << 2;
    /** The peer has closed its direction; unread data may still be there. Always together with {@link #READABLE}. */
    public static final int PEER_CLOSED = 1 << 3;
    /** The connection has failed: {@link TcpConnection#error()} says how. Received data is still there. */
    public static final int FAILED = 1 << 4;
    /** The connection is gone: no further event follows. */
    public static final int CLOSED = 1 << 5;
    /** Urgent data has been announced (RFC 9293 MUST-32). */
    public static final int URGENT = 1 << 6;
    /** A soft error was reported (RFC 9293 MUST-47): {@link TcpConnection#softError()}. */
    public static final int SOFT_ERROR = 1 << 7;

    /** Everything that was written, and this end's FIN, has been acknowledged. */
    public static final int OUTPUT_DONE = 1 << 8;

    private TcpEvents() {}
}
