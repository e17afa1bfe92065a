/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

import io.isla.netty.wire.DhcpHeader;
import io.isla.netty.wire.IpAddress;

/**
 * What a client is told about itself.
 *
 * @param hardwareAddress its Ethernet address, 48 bits
 * @param clientId what tells it apart from others, 2 to 255 bytes (RFC 2132 §9.14); {@code null} for one made of its Ethernet address as RFC 4361 says
 * @param hostName the name to tell the server, or {@code null} for none
 * @param previousAddress an address that it may have had before, and asks for first; {@code null} if none
 * @param detectConflicts whether it makes sure that no other station uses an address before it takes it
 * @param mtu the largest IP packet that it can receive, in bytes
 */
public record DhcpParameters(
        long hardwareAddress,
        byte[] clientId,
        String hostName,
        IpAddress previousAddress,
        boolean detectConflicts,
        int mtu) {
    /** Type of a client identifier that holds an IAID and a DUID (RFC 4361 §6.1). */
    private static final int NODE_SPECIFIC = 255;
    /** Type of a DUID that holds a link-layer address (RFC 8415 §11.4). */
    private static final int DUID_LL = 3;

    private static final int ETHERNET = 1;

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException with the name of the one that is wrong
     */
    public DhcpParameters {
        if (clientId == null) {
            clientId = clientId(hardwareAddress);
        } else if (clientId.length < 2 || clientId.length > 255) {
            throw new IllegalArgumentException("clientId: " + clientId.length + " bytes are not in 2 to 255");
        } else {
            clientId = clientId.clone();
        }
        if (hostName != null && !DomainNames.isHostName(hostName)) {
            throw new IllegalArgumentException("hostName: '" + hostName
                    + "' is not the name of a host; give letters, digits, hyphens and dots, such as web-1");
        }
        if (previousAddress != null && (!previousAddress.isV4() || !DhcpLease.isHost(previousAddress))) {
            throw new IllegalArgumentException(
                    "previousAddress: " + previousAddress + " is not the IPv4 address of a host");
        }
        mtu = Math.max(DhcpHeader.MIN_MAX_PACKET, mtu);
    }

    /** RFC 4361 §6.1: the type, an IAID, and a DUID; the latter two follow from the Ethernet address, for nothing else outlives the process. */
    private static byte[] clientId(long address) {
        byte[] id = new byte[15];
        id[0] = (byte) NODE_SPECIFIC;
        for (int i = 0; i < 4; i++) {
            id[1 + i] = (byte) (address >> 24 - 8 * i);
        }
        id[6] = DUID_LL;
        id[8] = ETHERNET;
        for (int i = 0; i < 6; i++) {
            id[9 + i] = (byte) (address >> 40 - 8 * i);
        }
        return id;
    }
}
