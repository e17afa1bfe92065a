/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import io.isla.netty.stack.HostAddress;
import java.net.InetAddress;

/**
 * An address of an {@link IslaHost}.
 *
 * @param address unicast
 * @param prefixLength the size of the subnet it is in, 0 to 32, or 128 for IPv6
 * @param automatic whether the host has made it itself, from what a router advertises or for the link alone (RFC 4862)
 * @param temporary whether it was made to be forgotten soon (RFC 8981)
 * @param deprecated whether it is not used for new connections if there is another (RFC 4862 §5.5.4)
 */
public record IslaHostAddress(
        InetAddress address, int prefixLength, boolean automatic, boolean temporary, boolean deprecated) {
    static IslaHostAddress of(HostAddress from) {
        return new IslaHostAddress(
                from.address().toInetAddress(),
                from.prefixLength(),
                from.automatic(),
                from.temporary(),
                from.deprecated());
    }

    @Override
    public String toString() {
        return address.getHostAddress() + "/" + prefixLength;
    }
}
