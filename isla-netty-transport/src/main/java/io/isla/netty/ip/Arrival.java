/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

/** How a packet has come to this host. */
enum Arrival {
    /** In a frame to this host alone, or on a link without addresses. */
    UNICAST,
    /** In a frame to several. */
    GROUP,
    /** From this host itself. */
    LOOPBACK
}
