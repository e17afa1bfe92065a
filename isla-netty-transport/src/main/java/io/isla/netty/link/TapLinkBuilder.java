/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import java.io.IOException;

/** Describes a {@link TapLink}, and {@linkplain #open() opens} it. What is not set is left as the device has it. */
public final class TapLinkBuilder extends DeviceLinkBuilder<TapLinkBuilder, TapLink> {
    private MacAddress macAddress;

    TapLinkBuilder(String name) {
        super(DeviceKind.TAP, name);
    }

    /** Sets the Ethernet address of the kernel's end; by default, the kernel makes up a random one. */
    public TapLinkBuilder hostMacAddress(MacAddress address) {
        if (address.isMulticast()) {
            throw new IllegalArgumentException("hostMacAddress: not the address of a host: " + address);
        }
        macAddress = address;
        return this;
    }

    /**
     * Attaches to the device, or creates it; sets what is to be set, and brings it up.
     *
     * @throws IOException whose message says what is wrong and what to do
     */
    @Override
    public TapLink open() throws IOException {
        return open(TapLink::new);
    }

    @Override
    void configure(HostInterface host) throws IOException {
        if (macAddress != null) {
            host.setMacAddress(macAddress);
        }
    }

    @Override
    TapLinkBuilder self() {
        return this;
    }
}
