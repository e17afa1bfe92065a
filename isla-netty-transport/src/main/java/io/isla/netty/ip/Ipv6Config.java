/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

/**
 * How a host configures itself for IPv6.
 *
 * @param acceptRouterAdvertisements whether routers are listened to: default routers, prefixes on the link, MTU and more (RFC 4861 §6.3);
 *     the same on all shards
 * @param autoconfigure whether the shard that leads makes addresses of its own: a link-local one, and one in each prefix that routers
 *     advertise for it (RFC 4862)
 * @param temporaryAddresses whether it also makes temporary ones (RFC 8981)
 * @param secretHigh first half of the key that stable interface identifiers are made with (RFC 7217); it must not be known to others, and
 *     the same key gives the same addresses
 * @param secretLow second half of the key
 */
public record Ipv6Config(
        boolean acceptRouterAdvertisements,
        boolean autoconfigure,
        boolean temporaryAddresses,
        long secretHigh,
        long secretLow) {
    /** Nothing configures itself: there are the addresses and routes that are given. */
    public static final Ipv6Config MANUAL = new Ipv6Config(false, false, false, 0, 0);

    /** Listens to routers, and makes stable addresses. */
    public static Ipv6Config automatic(long secretHigh, long secretLow) {
        return new Ipv6Config(true, true, false, secretHigh, secretLow);
    }
}
