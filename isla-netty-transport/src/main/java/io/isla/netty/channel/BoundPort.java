/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.stack.HostStack;
import io.isla.netty.wire.IpAddress;
import java.io.IOException;
import java.net.InetSocketAddress;

/**
 * A local port that a channel has reserved before it connects.
 *
 * @param address the local address, unspecified to have it chosen
 * @param port the local port, 0 to have it chosen
 */
record BoundPort(HostStack host, IpAddress address, int port) {
    /** Reserves a port; {@link #release()} gives it back. */
    static BoundPort bind(HostStack host, InetSocketAddress wanted, boolean reuse) throws IOException {
        IpAddress address = IpAddress.of(wanted.getAddress());
        return new BoundPort(host, address, host.listeners().bindPort(address, wanted.getPort(), reuse));
    }

    /** Only remembers the address: the port will be chosen when it is known where to connect. */
    static BoundPort addressOnly(HostStack host, InetSocketAddress wanted) throws IOException {
        IpAddress address = IpAddress.of(wanted.getAddress());
        host.checkLocal(address);
        return new BoundPort(host, address, 0);
    }

    void release() {
        if (port != 0) {
            host.listeners().releasePort(address, port);
        }
    }
}
