/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.isla.netty.wire.EthernetHeader;

/** Lengths that depend on the medium. */
final class LinkHeaders {
    private LinkHeaders() {}

    /** Bytes of a frame before its IP header. */
    static int length(Link.Medium medium) {
        return medium == Link.Medium.ETHERNET ? EthernetHeader.LENGTH : 0;
    }
}
