/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.isla.netty.wire.Ipv6Header;
import io.netty.buffer.ByteBuf;

/** A number that the frames of a flow have in common, as network cards compute it to choose a queue. */
final class FlowHash {
    private static final long MULTIPLIER = 0x9e37_79b9_7f4a_7c15L;

    private FlowHash() {}

    /**
     * Hashes addresses and, of TCP and UDP, ports.
     *
     * @return the same number for all frames of a flow in one direction; 0 for what is not a whole IP packet
     */
    static int of(ByteBuf frame, int offset, int length, Link.Medium medium) {
        int linkHeader = LinkHeaders.length(medium);
        int ip = offset + linkHeader;
        int bytes = length - linkHeader;
        if (medium == Link.Medium.ETHERNET) {
            int type = EthernetHeader.isValid(length) ? EthernetHeader.type(frame, offset) : 0;
            if (type != EtherType.IPV4 && type != EtherType.IPV6) {
                return 0;
            }
        }
        long hash;
        int protocol;
        int transport;
        if (Ipv4Header.isValid(frame, ip, bytes)) {
            hash = mix((long) Ipv4Header.source(frame, ip) << 32 ^ Ipv4Header.destination(frame, ip));
            // The ports are in the first fragment only.
            protocol = Ipv4Header.isFragment(frame, ip) ? -1 : Ipv4Header.protocol(frame, ip);
            transport = Ipv4Header.headerLength(frame, ip);
        } else if (Ipv6Header.isValid(frame, ip, bytes)) {
            hash = mix(Ipv6Header.sourceHigh(frame, ip));
            hash = mix(hash ^ Ipv6Header.sourceLow(frame, ip));
            hash = mix(hash ^ Ipv6Header.destinationHigh(frame, ip));
            hash = mix(hash ^ Ipv6Header.destinationLow(frame, ip));
            protocol = Ipv6Header.nextHeader(frame, ip);
            transport = Ipv6Header.LENGTH;
        } else {
            return 0;
        }
        if ((protocol == IpProtocol.TCP || protocol == IpProtocol.UDP) && bytes >= transport + 4) {
            hash = mix(hash ^ frame.getUnsignedInt(ip + transport));
        }
        return (int) (hash >>> 33);
    }

    private static long mix(long value) {
        long mixed = value * MULTIPLIER;
        return mixed ^ mixed >>> 32;
    }
}
