/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

import io.isla.netty.counter.Counters;
import io.isla.netty.wire.DhcpOption;
import io.isla.netty.wire.IpAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Makes a lease of what a server has granted. */
final class LeaseReader {
    /** What the client asks for; the classless routes come before the routers, which they replace (RFC 3442). */
    static final byte[] REQUESTED = {
        DhcpOption.SUBNET_MASK,
        DhcpOption.CLASSLESS_STATIC_ROUTES,
        DhcpOption.ROUTERS,
        DhcpOption.DOMAIN_NAME_SERVERS,
        DhcpOption.DOMAIN_NAME,
        DhcpOption.DOMAIN_SEARCH,
        DhcpOption.INTERFACE_MTU,
        DhcpOption.BROADCAST_ADDRESS,
        DhcpOption.NTP_SERVERS,
        DhcpOption.LEASE_TIME,
        DhcpOption.SERVER_IDENTIFIER,
        DhcpOption.RENEWAL_TIME,
        DhcpOption.REBINDING_TIME
    };

    /** The least MTU (RFC 2132 §5.1). */
    private static final int MIN_MTU = 68;

    private static final int MAX_ROUTES = 64;
    private static final int MAX_SERVERS = 16;

    private final Counters<DhcpCounter> counters;

    LeaseReader(Counters<DhcpCounter> counters) {
        this.counters = counters;
    }

    /**
     * Reads what an offer or an acknowledgement grants.
     *
     * @return {@code null} if it lacks what it must have: an address, the server, the time (RFC 2131 §4.3.1, table 3)
     */
    DhcpLease read(DhcpMessage message) {
        IpAddress address = message.yourAddress();
        IpAddress server = message.address(DhcpOption.SERVER_IDENTIFIER);
        long lease = message.number(DhcpOption.LEASE_TIME);
        if (!DhcpLease.isHost(address) || server == null || lease <= 0) {
            return null;
        }
        long rebinding = message.number(DhcpOption.REBINDING_TIME);
        if (rebinding <= 0 || rebinding >= lease) {
            rebinding = Math.max(1, lease * 7 / 8);
        }
        long renewal = message.number(DhcpOption.RENEWAL_TIME);
        if (renewal <= 0 || renewal >= rebinding) {
            renewal = Math.max(1, lease / 2 < rebinding ? lease / 2 : rebinding * 4 / 7);
        }
        return new DhcpLease(
                address,
                prefixLength(message, address),
                server,
                routes(message),
                mtu(message),
                addresses(message, DhcpOption.DOMAIN_NAME_SERVERS),
                domainName(message),
                searchDomains(message),
                addresses(message, DhcpOption.NTP_SERVERS),
                lease,
                renewal,
                rebinding);
    }

    private int prefixLength(DhcpMessage message, IpAddress address) {
        byte[] value = message.option(DhcpOption.SUBNET_MASK);
        if (value != null) {
            int mask = value.length == 4 ? ByteBuffer.wrap(value).getInt() : 0;
            int length = Integer.bitCount(mask);
            // Ones, then zeros, and not no ones at all.
            if (mask < 0 && mask == -1 << 32 - length) {
                return length;
            }
            counters.increment(DhcpCounter.IN_BAD_OPTIONS);
        }
        // The mask of the address's class (RFC 950 §2).
        int bits = address.v4Bits();
        return bits >= 0 ? 8 : bits << 1 >= 0 ? 16 : 24;
    }

    private List<DhcpLease.Route> routes(DhcpMessage message) {
        byte[] value = message.option(DhcpOption.CLASSLESS_STATIC_ROUTES);
        if (value != null) {
            List<DhcpLease.Route> routes = classlessRoutes(value);
            if (routes != null) {
                return routes;
            }
            counters.increment(DhcpCounter.IN_BAD_OPTIONS);
        }
        return addresses(message, DhcpOption.ROUTERS).stream()
                .map(router -> new DhcpLease.Route(IpAddress.ANY_V4, 0, router))
                .toList();
    }

    /** RFC 3442: for each route, the length of its prefix, as many octets of that as are significant, and the router. */
    private static List<DhcpLease.Route> classlessRoutes(byte[] value) {
        List<DhcpLease.Route> routes = new ArrayList<>();
        int at = 0;
        while (at < value.length) {
            int prefixLength = value[at++] & 0xff;
            int octets = prefixLength + 7 >> 3;
            if (prefixLength > 32 || octets + 4 > value.length - at) {
                return null;
            }
            int prefix = 0;
            for (int i = 0; i < octets; i++) {
                prefix |= (value[at++] & 0xff) << 24 - 8 * i;
            }
            // Bits beyond the prefix are to be zero, and are taken to be: Windows servers are known to set them.
            prefix &= prefixLength == 0 ? 0 : -1 << 32 - prefixLength;
            IpAddress router = IpAddress.v4(ByteBuffer.wrap(value, at, 4).getInt());
            at += 4;
            // 0.0.0.0 says that the destinations are on the link.
            boolean onLink = router.isUnspecified();
            if (!onLink && !DhcpLease.isHost(router)) {
                return null;
            }
            if (routes.size() < MAX_ROUTES) {
                routes.add(new DhcpLease.Route(IpAddress.v4(prefix), prefixLength, onLink ? null : router));
            }
        }
        return routes.isEmpty() ? null : routes;
    }

    private int mtu(DhcpMessage message) {
        byte[] value = message.option(DhcpOption.INTERFACE_MTU);
        if (value == null) {
            return 0;
        }
        int mtu = value.length == 2 ? ByteBuffer.wrap(value).getShort() & 0xffff : 0;
        if (mtu < MIN_MTU) {
            counters.increment(DhcpCounter.IN_BAD_OPTIONS);
            return 0;
        }
        return mtu;
    }

    private List<IpAddress> addresses(DhcpMessage message, int code) {
        byte[] value = message.option(code);
        if (value == null) {
            return List.of();
        }
        List<IpAddress> addresses = new ArrayList<>();
        boolean good = value.length > 0 && (value.length & 3) == 0;
        for (int at = 0; good && at < value.length && addresses.size() < MAX_SERVERS; at += 4) {
            IpAddress address = IpAddress.v4(ByteBuffer.wrap(value, at, 4).getInt());
            if (DhcpLease.isHost(address) && !addresses.contains(address)) {
                addresses.add(address);
            }
        }
        if (addresses.isEmpty()) {
            counters.increment(DhcpCounter.IN_BAD_OPTIONS);
        }
        return addresses;
    }

    private String domainName(DhcpMessage message) {
        byte[] value = message.option(DhcpOption.DOMAIN_NAME);
        if (value == null) {
            return null;
        }
        String name = DomainNames.readText(value);
        if (name == null) {
            counters.increment(DhcpCounter.IN_BAD_OPTIONS);
        }
        return name;
    }

    /** The search list. */
    private List<String> searchDomains(DhcpMessage message) {
        byte[] value = message.option(DhcpOption.DOMAIN_SEARCH);
        if (value == null) {
            return List.of();
        }
        List<String> domains = DomainNames.readList(value);
        if (domains == null) {
            counters.increment(DhcpCounter.IN_BAD_OPTIONS);
            return List.of();
        }
        return domains;
    }
}
