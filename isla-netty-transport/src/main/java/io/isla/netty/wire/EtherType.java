/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

/** Values of the type field of an Ethernet header (IEEE 802 Numbers, as kept by IANA). */
public final class EtherType {
    /** IPv4. */
    public static final int IPV4 = 0x0800;
    /** The Address Resolution Protocol. */
    public static final int ARP = 0x0806;
    /** An IEEE 802.1Q tag comes next. */
    public static final int VLAN = 0x8100;
    /** IPv6. */
    public static final int IPV6 = 0x86dd;
    /** The smallest value that is a type: what is less is a length (IEEE 802.3). */
    public static final int MIN = 0x0600;

    private EtherType() {}
}
