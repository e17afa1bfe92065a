/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import java.io.IOException;

/** Describes a {@link TunLink}, and {@linkplain #open() opens} it. What is not set is left as the device has it. */
public final class TunLinkBuilder extends DeviceLinkBuilder<TunLinkBuilder, TunLink> {
    TunLinkBuilder(String name) {
        super(DeviceKind.TUN, name);
    }

    /**
     * Attaches to the device, or creates it; sets what is to be set, and brings it up.
     *
     * @throws IOException whose message says what is wrong and what to do
     */
    @Override
    public TunLink open() throws IOException {
        return open(TunLink::new);
    }

    @Override
    void configure(HostInterface host) {
        // There is nothing that only a TUN has.
    }

    @Override
    TunLinkBuilder self() {
        return this;
    }
}
