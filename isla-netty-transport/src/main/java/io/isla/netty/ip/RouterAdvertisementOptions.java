/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.NeighborDiscoveryOption;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads what routers say about DNS (RFC 8106), and passes it on to the host on the shard that leads. */
final class RouterAdvertisementOptions {
    /** Where servers or names start in their options. */
    private static final int VALUES_OFFSET = 8;

    private static final int ADDRESS_BYTES = 16;
    /** RFC 8106 §5.3.1 asks for three at least; more than these nobody needs. */
    private static final int MAX_SERVERS = 8;

    private static final int MAX_DOMAINS = 16;
    private static final int MAX_DOMAIN_LENGTH = 253;
    private static final int MAX_LABEL_LENGTH = 63;

    private final IpContext context;

    RouterAdvertisementOptions(IpContext context) {
        this.context = context;
    }

    /** A Recursive DNS Server option. */
    void receiveServers(ByteBuf buf, int option, int length) {
        int count = Math.min((length - VALUES_OFFSET) / ADDRESS_BYTES, MAX_SERVERS);
        if (!context.leader || count < 1) {
            return;
        }
        List<IpAddress> servers = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int at = option + VALUES_OFFSET + i * ADDRESS_BYTES;
            IpAddress server = IpAddress.of(buf.getLong(at), buf.getLong(at + 8));
            if (!server.isUnspecified() && !server.isMulticast() && !server.isV4()) {
                servers.add(server);
            }
        }
        if (!servers.isEmpty()) {
            context.listener.recursiveDnsServers(servers, NeighborDiscoveryOption.lifetime(buf, option));
        }
    }

    /** A DNS Search List option: names as DNS writes them, padded with zeros. */
    void receiveSearchList(ByteBuf buf, int option, int length) {
        if (!context.leader) {
            return;
        }
        int end = option + length;
        int at = option + VALUES_OFFSET;
        List<String> domains = new ArrayList<>();
        StringBuilder domain = new StringBuilder();
        while (at < end) {
            int label = buf.getUnsignedByte(at++);
            if (label == 0) {
                if (domain.length() == 0) {
                    // Padding from here on.
                    break;
                }
                domains.add(domain.toString());
                domain.setLength(0);
            } else {
                if (label > MAX_LABEL_LENGTH
                        || label > end - at
                        || domain.length() + label + 1 > MAX_DOMAIN_LENGTH
                        || domains.size() == MAX_DOMAINS) {
                    return;
                }
                if (domain.length() > 0) {
                    domain.append('.');
                }
                domain.append(buf.toString(at, label, StandardCharsets.US_ASCII));
                at += label;
            }
        }
        if (!domains.isEmpty() && domain.length() == 0) {
            context.listener.dnsSearchList(domains, NeighborDiscoveryOption.lifetime(buf, option));
        }
    }
}
