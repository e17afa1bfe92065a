/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import java.util.Locale;

/** The two kinds of device that {@code /dev/net/tun} makes. */
enum DeviceKind {
    /** Whole Ethernet frames. */
    TAP(0x0002, Link.Medium.ETHERNET, 65_521),
    /** IP packets. */
    TUN(0x0001, Link.Medium.IP, 65_535);

    /** {@code IFF_TAP} or {@code IFF_TUN}. */
    final int flag;

    final Link.Medium medium;
    /** The largest MTU that the kernel takes, in bytes. */
    final int maxMtu;

    DeviceKind(int flag, Link.Medium medium, int maxMtu) {
        this.flag = flag;
        this.medium = medium;
        this.maxMtu = maxMtu;
    }

    /** As the {@code ip tuntap} command calls it. */
    String mode() {
        return name().toLowerCase(Locale.ROOT);
    }
}
