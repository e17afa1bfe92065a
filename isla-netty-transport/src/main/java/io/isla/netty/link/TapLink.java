/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import java.io.IOException;

/**
 * A TAP device: an Ethernet cable of which the kernel holds one end and this link the other. Linux only. {@link #builder(String)} opens
 * one; {@link DeviceLink} tells the rest.
 */
public final class TapLink extends DeviceLink {
    TapLink(String name, TunDevice device, HostInterface host, DeviceLinkBuilder<?, ?> builder) throws IOException {
        super(name, device, host, builder);
    }

    /**
     * Describes a link over the TAP device of this name.
     *
     * @param name as the {@code ip} command shows it: 1 to 15 characters
     * @throws IllegalArgumentException if no device can have this name
     */
    public static TapLinkBuilder builder(String name) {
        return new TapLinkBuilder(name);
    }

    /** The Ethernet address of the kernel's end. */
    public MacAddress hostMacAddress() throws IOException {
        return hostInterface().macAddress();
    }
}
