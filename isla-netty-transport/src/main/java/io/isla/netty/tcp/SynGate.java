/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/** Looks at connection requests before they are answered, and decides what becomes of them. */
@FunctionalInterface
public interface SynGate {
    /**
     * A request has come for a listener. Called on the thread of the shard that it belongs to, from within the receipt of the segment. Must not throw.
     *
     * @param request to be decided now or later
     */
    void onSyn(UndecidedSyn request);
}
