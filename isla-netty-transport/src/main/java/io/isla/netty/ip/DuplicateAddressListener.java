/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.link.MacAddress;
import io.isla.netty.wire.IpAddress;

/** What learns whether an address is free. */
@FunctionalInterface
public interface DuplicateAddressListener {
    /**
     * It is known now. Called on the shard's thread.
     *
     * @param address the address
     * @param duplicate whether another station has it, or wants it too
     * @param other that station's link address; {@code null} if there is none or it did not tell
     * @param now the present, in nanoseconds
     */
    void detectionFinished(IpAddress address, boolean duplicate, MacAddress other, long now);
}
