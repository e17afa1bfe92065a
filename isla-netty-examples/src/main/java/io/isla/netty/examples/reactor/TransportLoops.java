/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.reactor;

import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ReflectiveChannelFactory;
import java.util.List;
import reactor.netty.resources.LoopResources;

/**
 * The event loops and channels of a transport of Netty, as Reactor Netty's servers and clients want to have them:
 * {@code HttpServer.create().runOn(loops)}. The event loops stay their owner's to shut down.
 */
public final class TransportLoops implements LoopResources {

    private final EventLoopGroup group;
    private final List<Class<? extends Channel>> channels;

    /**
     * Takes what a transport has.
     *
     * @param group its event loops
     * @param channels its classes of channels, one for each kind that is to be used
     */
    public TransportLoops(EventLoopGroup group, List<Class<? extends Channel>> channels) {
        this.group = group;
        this.channels = List.copyOf(channels);
    }

    @Override
    public EventLoopGroup onServer(boolean useNative) {
        return group;
    }

    @Override
    public <C extends Channel> Class<? extends C> onChannelClass(Class<C> kind, EventLoopGroup group) {
        return channels.stream()
                .filter(kind::isAssignableFrom)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("the transport has no " + kind.getName()))
                .asSubclass(kind);
    }

    @Override
    public <C extends Channel> C onChannel(Class<C> kind, EventLoopGroup group) {
        return new ReflectiveChannelFactory<>(onChannelClass(kind, group)).newChannel();
    }
}
