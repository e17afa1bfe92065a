/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.link.MacAddress;
import io.isla.netty.wire.IpAddress;
import java.util.List;

/**
 * What the network layer of a shard reports to the host. Called on the shard's thread, from within the receipt of a frame or a timer. All but
 * conflicts is reported by the shard that leads alone, for the host to tell the others.
 */
@FunctionalInterface
public interface IpListener {
    /** Does nothing. */
    IpListener NONE = (address, other) -> {};

    /**
     * Another station claims an address of ours (RFC 5227 §2.4, RFC 4862 §5.4). The network layer has defended it, once in ten seconds.
     *
     * @param address the address
     * @param other the other's link address, or {@code null} if it has not told
     */
    void addressConflict(InterfaceAddress address, MacAddress other);

    /** An address has been configured automatically, and is in use. */
    default void addressAdded(InterfaceAddress address) {}

    /** An address is now {@linkplain InterfaceAddress#isDeprecated() deprecated}, or no longer. */
    default void addressChanged(InterfaceAddress address) {}

    /** An address that was configured automatically has come to its end. */
    default void addressRemoved(InterfaceAddress address) {}

    /**
     * Routers have changed what they advertise, or what they did has expired: the default routers, and what is behind and beside them.
     *
     * @param routes all routes that are there by advertisement
     */
    default void advertisedRoutesChanged(List<Route> routes) {}

    /** The path MTU of a destination has become smaller. Reported by the shard that has found out, for the others to learn. */
    default void pathMtuLowered(IpAddress destination, int mtu) {}

    /** No address could be had for a prefix: one after the other was in use elsewhere. */
    default void autoconfigurationFailed(IpAddress lastTried) {}

    /**
     * A router has told of name servers (RFC 8106 §5.1).
     *
     * @param servers in the order of preference
     * @param lifetimeSeconds 0 if they must no longer be used, 0xffffffff if they may be for ever
     */
    default void recursiveDnsServers(List<IpAddress> servers, long lifetimeSeconds) {}

    /**
     * A router has told of domains to look names up in (RFC 8106 §5.2).
     *
     * @param domains in the order of preference
     * @param lifetimeSeconds 0 if they must no longer be used, 0xffffffff if they may be for ever
     */
    default void dnsSearchList(List<String> domains, long lifetimeSeconds) {}
}
