/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import io.isla.netty.link.MacAddress;
import java.net.InetAddress;

/**
 * Is told how an {@link IslaHost}'s connection to its network changes: by its user, by routers, by a DHCP server, by time.
 *
 * <p>Called on one of the host's event loops, always the same as long as that one lives; while the host has none, on the thread that makes the change. What is told
 * has happened on all event loops of the host, and is told in the order in which it happened. An exception is logged and has no other effect. Listeners must not
 * block.
 */
public interface IslaHostListener {
    /** The host has a new address, which can be used. */
    default void addressAdded(IslaHost host, IslaHostAddress address) {}

    /** An address is {@linkplain IslaHostAddress#deprecated() deprecated} now, or no longer. */
    default void addressChanged(IslaHost host, IslaHostAddress address) {}

    /** The host no longer has an address: what is connected from it gets no answers any more. */
    default void addressRemoved(IslaHost host, IslaHostAddress address) {}

    /**
     * An address that the host was to have is another station's (RFC 4862 §5.4, RFC 5227 §2.1): the host does not have it.
     *
     * @param other the other's link address, {@code null} if it has not told
     */
    default void addressDuplicate(IslaHost host, InetAddress address, MacAddress other) {}

    /**
     * Another station claims an address that the host has (RFC 5227 §2.4). The host has defended it and keeps it. Told once in a second at most.
     *
     * @param other the other's link address, {@code null} if it has not told
     */
    default void addressConflict(IslaHost host, InetAddress address, MacAddress other) {}

    /** {@link IslaHost#routes()} are others. */
    default void routesChanged(IslaHost host) {}

    /** {@link IslaHost#nameServers()} or {@link IslaHost#searchDomains()} are others. */
    default void nameServersChanged(IslaHost host) {}

    /**
     * {@link IslaHost#dhcpLease()} is another, for longer or with other options perhaps.
     *
     * @param lease {@code null} if the host has none any more
     */
    default void dhcpLeaseChanged(IslaHost host, IslaDhcpLease lease) {}

    /**
     * {@link IslaHost#mtu()} is another.
     *
     * @param mtu in bytes
     */
    default void mtuChanged(IslaHost host, int mtu) {}
}
