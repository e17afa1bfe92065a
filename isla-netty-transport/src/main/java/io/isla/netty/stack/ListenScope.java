/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.tcp.SynGate;

/**
 * What a listener listens to beyond an address and a port of the host's own.
 *
 * @param anyAddress whether to connections to all addresses, whoever's they are, whose packets reach the host
 * @param anyPort whether on all ports that no other listener has
 * @param gate decides about connection requests; {@code null} if all are answered
 */
public record ListenScope(boolean anyAddress, boolean anyPort, SynGate gate) {
    /** Nothing more. */
    public static final ListenScope NONE = new ListenScope(false, false, null);
}
