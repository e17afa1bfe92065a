/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import java.io.IOException;

/**
 * A TUN device: a point-to-point link for IP packets, of which the kernel holds one end and this link the other. There is no Ethernet on
 * it: nobody asks who has an address (neither ARP nor neighbour discovery), and whatever one end sends, the other gets. A host on it
 * needs no gateway: the other end is its way to everywhere. Linux only. {@link #builder(String)} opens one; {@link DeviceLink} tells the
 * rest.
 *
 * <pre>{@code
 * IslaHost host = IslaHost.builder()
 *         .link(TunLink.builder("isla0")
 *                 .hostAddress(InetAddress.getByName("10.0.0.1"), 24)
 *                 .open())
 *         .address("10.0.0.2/24")
 *         .build();
 * }</pre>
 */
public final class TunLink extends DeviceLink {
    TunLink(String name, TunDevice device, HostInterface host, DeviceLinkBuilder<?, ?> builder) throws IOException {
        super(name, device, host, builder);
    }

    /**
     * Describes a link over the TUN device of this name.
     *
     * @param name as the {@code ip} command shows it: 1 to 15 characters
     * @throws IllegalArgumentException if no device can have this name
     */
    public static TunLinkBuilder builder(String name) {
        return new TunLinkBuilder(name);
    }
}
