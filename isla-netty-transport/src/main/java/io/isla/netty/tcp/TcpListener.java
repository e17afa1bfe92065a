/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.wire.IpAddress;

/**
 * A passive open (RFC 9293 §3.10.1): what is listened to, and who is told. All shards of a host share it; each completes the handshakes of its own flows.
 */
public final class TcpListener {
    private final boolean v6Only;
    final TcpAcceptor acceptor;
    private final IpAddress address;
    private final int port;
    private final int backlog;
    private final boolean reusePort;
    /** Who decides about connection requests; {@code null} if all are answered. */
    final SynGate gate;

    /**
     * Creates a listener; it hears nothing until the {@linkplain TcpStack.FlowPolicy policy} of the shards names it for its port.
     *
     * @param address the local address; unspecified for all. {@link IpAddress#ANY_V6} takes IPv4 too, unless {@code v6Only}
     * @param port 1 to 65535, or 0 for all ports that no other listener has
     * @param backlog the most connections waiting to be accepted, at least 1
     * @param reusePort whether other listeners may share address and port
     * @param v6Only whether it listens to IPv6 only
     * @param gate decides about connection requests; {@code null} if all are answered
     */
    public TcpListener(
            IpAddress address,
            int port,
            int backlog,
            boolean reusePort,
            boolean v6Only,
            TcpAcceptor acceptor,
            SynGate gate) {
        this.gate = gate;
        this.address = address;
        this.port = port;
        this.backlog = Math.max(1, backlog);
        this.reusePort = reusePort;
        this.v6Only = v6Only;
        this.acceptor = acceptor;
    }

    /** What connections start with; not to be changed. */
    TcpSettings settings() {
        return acceptor.settings();
    }

    /** The local address. */
    public IpAddress localAddress() {
        return address;
    }

    /** The local port; 0 for all that no other listener has. */
    public int localPort() {
        return port;
    }

    /** Whether other listeners may share address and port. */
    public boolean isReusePort() {
        return reusePort;
    }

    /** Whether it listens to IPv6 only. */
    public boolean isV6Only() {
        return v6Only;
    }

    /** The most connections waiting to be accepted. */
    public int backlog() {
        return backlog;
    }

    /** How well it fits a destination: 0 not at all, 1 by an unspecified address, 2 by the very address. */
    int match(long high, long low) {
        if (address.is(high, low)) {
            return 3;
        }
        if (!address.isUnspecified()) {
            return 0;
        }
        boolean v4 = IpAddress.isV4(high, low);
        if (address.isV4()) {
            return v4 ? 2 : 0;
        }
        return v4 ? v6Only ? 0 : 1 : 2;
    }
}
