/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv6ExtensionHeader;
import io.isla.netty.wire.Ipv6FragmentHeader;
import io.isla.netty.wire.Ipv6Header;
import io.netty.buffer.ByteBuf;

/** Finds the transport header behind the extension headers of a packet that may be cut short, without judging them. Used again. */
final class Ipv6HeaderChain {
    /** The protocol of the transport header, after a walk that succeeded. */
    int protocol;
    /** Its index, which may be {@code end} if nothing of it is there. */
    int offset;

    /** Whether a next header value is that of an extension header that is known here. */
    static boolean isExtension(int nextHeader) {
        return nextHeader == IpProtocol.HOP_BY_HOP
                || nextHeader == IpProtocol.ROUTING
                || nextHeader == IpProtocol.FRAGMENT
                || nextHeader == IpProtocol.DESTINATION_OPTIONS;
    }

    /**
     * Walks from the IPv6 header, which must be there.
     *
     * @return whether the transport header was found; not so in a fragment other than the first
     */
    boolean walk(ByteBuf buf, int networkOffset, int end) {
        return walk(buf, Ipv6Header.nextHeader(buf, networkOffset), networkOffset + Ipv6Header.LENGTH, end);
    }

    /** Walks from a header whose type and index are given. */
    boolean walk(ByteBuf buf, int firstHeader, int firstAt, int end) {
        int header = firstHeader;
        int at = firstAt;
        while (isExtension(header)) {
            if (end - at < Ipv6ExtensionHeader.MIN_LENGTH) {
                return false;
            }
            int length = Ipv6FragmentHeader.LENGTH;
            if (header != IpProtocol.FRAGMENT) {
                length = Ipv6ExtensionHeader.length(buf, at);
            } else if (Ipv6FragmentHeader.fragmentOffset(buf, at) != 0) {
                return false;
            }
            header = buf.getUnsignedByte(at);
            at += length;
            if (at > end) {
                return false;
            }
        }
        protocol = header;
        offset = at;
        return true;
    }
}
