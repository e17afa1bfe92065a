/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;

/** What a client acts on. Called from within the client's methods. */
public interface DhcpHost {
    /**
     * Send a message from port 68 to port 67.
     *
     * @param message good during the call only
     * @param source the client's address, or 0.0.0.0 while it has none
     * @param destination a server, or 255.255.255.255
     */
    void send(ByteBuf message, IpAddress source, IpAddress destination, long now);

    /** Find out whether another station uses an address, and say so to {@link DhcpClient#probeFinished}. */
    void probe(IpAddress address, long now);

    /** Stop finding out. */
    void cancelProbe(IpAddress address, long now);

    /**
     * There is a lease, or it is another one than before, for longer or with other options.
     *
     * @param before what it replaces, with the same address; {@code null} if there was none
     */
    void bound(DhcpLease lease, DhcpLease before, long now);

    /** The lease has come to its end: its address must not be used any more. */
    void unbound(DhcpLease lease, long now);
}
