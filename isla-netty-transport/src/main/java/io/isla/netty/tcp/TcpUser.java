/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * The user of a connection, in the sense of RFC 9293 §3.9. It is never called from within the processing of a segment: events gather, and
 * the shard delivers them once all frames of a turn have been processed.
 */
public interface TcpUser {
    /**
     * Something happened. Shard thread; every method of the connection may be called from here.
     *
     * @param connection the connection
     * @param events {@link TcpEvents} since the last call
     */
    void onTcpEvents(TcpConnection connection, int events);

    /**
     * The stack that has the connection ends, and another one of the same host may have it from then on, without this user. Shard thread.
     *
     * @param connection the connection
     * @return whether this user is no longer needed, and has {@linkplain TcpConnection#user(TcpUser) left} the connection, which then lives on; if not, it is reset
     */
    default boolean leaves(TcpConnection connection) {
        return false;
    }
}
