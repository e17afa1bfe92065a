/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.netty.channel.Channel;
import io.netty.channel.IoEvent;
import io.netty.channel.IoHandle;
import io.netty.channel.IoRegistration;

/**
 * What Isla's channels register with an {@link IslaIoHandler}. Its registration's {@linkplain IoRegistration#attachment() attachment} is the shard of the
 * event loop; what happens to a channel comes from there, never as an {@link IoEvent}.
 */
interface IslaIoHandle extends IoHandle {
    @Override
    default void handle(IoRegistration registration, IoEvent event) {
        throw new UnsupportedOperationException("Isla's channels hear from their connection");
    }

    /** The channel whose handle it is. */
    Channel channel();

    /** Closes the channel, because its event loop ends. */
    @Override
    void close();
}
