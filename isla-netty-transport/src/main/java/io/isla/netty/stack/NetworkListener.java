/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.dhcp.DhcpLease;
import io.isla.netty.link.MacAddress;
import io.isla.netty.wire.IpAddress;

/**
 * Is told how a host's connection to its network changes, once all shards have made the change. Called on the loop of the shard that leads; if there is none,
 * on the thread that makes the change. What is told is in the order in which it happened.
 */
public interface NetworkListener {
    /** The host has a new address. */
    default void addressAdded(HostAddress address) {}

    /** An address is {@linkplain HostAddress#deprecated() deprecated} now, or no longer. */
    default void addressChanged(HostAddress address) {}

    /** The host no longer has an address. */
    default void addressRemoved(HostAddress address) {}

    /**
     * An address was found to be another station's before it was used, or while it was used for the first second: the host does not have it.
     *
     * @param other the other's link address, {@code null} if it has not told
     */
    default void addressDuplicate(IpAddress address, MacAddress other) {}

    /**
     * Another station claims an address that the host has (RFC 5227 §2.4, RFC 4862 §5.4). The host has defended it. Told once in a second at most.
     *
     * @param other the other's link address, {@code null} if it has not told
     */
    default void addressConflict(IpAddress address, MacAddress other) {}

    /** There are other routes, given or advertised. */
    default void routesChanged() {}

    /** There are other name servers or search domains. */
    default void resolutionChanged() {}

    /** The host has another DHCP lease, for longer or with other options perhaps; {@code null} if it has none any more. */
    default void leaseChanged(DhcpLease lease) {}

    /** The largest packet has another size in bytes. */
    default void mtuChanged(int mtu) {}
}
