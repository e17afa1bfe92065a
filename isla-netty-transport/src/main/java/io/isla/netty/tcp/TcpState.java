/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/** The states of a connection (RFC 9293 §3.3.2). */
public enum TcpState {
    /** Waiting for a connection request. */
    LISTEN,
    /** A SYN was sent. */
    SYN_SENT,
    /** A SYN was sent and one received. */
    SYN_RECEIVED,
    /** Data flows. */
    ESTABLISHED,
    /** This end has sent FIN. */
    FIN_WAIT_1,
    /** This end has sent FIN, and it was acknowledged. */
    FIN_WAIT_2,
    /** The peer has sent FIN. */
    CLOSE_WAIT,
    /** Both have sent FIN, ours is not acknowledged. */
    CLOSING,
    /** The peer has sent FIN, then we; ours is not acknowledged. */
    LAST_ACK,
    /** Waiting until no old segment can be under way any more. */
    TIME_WAIT,
    /** No connection. */
    CLOSED;

    /** Whether the handshake has completed: ESTABLISHED and all that comes after it but CLOSED. */
    public boolean isSynchronized() {
        return ordinal() >= ESTABLISHED.ordinal() && this != CLOSED;
    }

    /** Whether the user may still hand over data to be sent. */
    boolean maySend() {
        return this == ESTABLISHED || this == CLOSE_WAIT;
    }

    /** Whether the peer may still send data. */
    boolean mayReceive() {
        return this == ESTABLISHED || this == FIN_WAIT_1 || this == FIN_WAIT_2;
    }
}
