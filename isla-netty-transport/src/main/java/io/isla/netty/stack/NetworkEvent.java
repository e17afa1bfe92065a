/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

/** Something to be told to each {@link NetworkListener}. */
@FunctionalInterface
interface NetworkEvent {
    void tell(NetworkListener listener);
}
