/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IpAddress;
import java.util.List;

/** The addresses that the shard that leads has made, with all that the next one needs to know of them. Immutable. */
public final class AutoconfiguredAddresses {
    /** None. */
    public static final AutoconfiguredAddresses NONE = new AutoconfiguredAddresses(List.of());

    /** What is known of one address; times in nanoseconds of the clock that all shards of a host share. */
    record Made(
            long prefixHigh,
            boolean temporary,
            IpAddress address,
            long createdAt,
            int conflicts,
            long preferred,
            long valid,
            long updatedAt,
            boolean succeeded) {}

    private final List<Made> made;

    AutoconfiguredAddresses(List<Made> made) {
        this.made = List.copyOf(made);
    }

    List<Made> made() {
        return made;
    }
}
