/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.stack.HostStack;
import io.isla.netty.stack.Shard;
import io.isla.netty.stack.ThreadChannelIds;
import io.isla.netty.stack.WaitingRefused;
import io.isla.netty.wire.IpAddress;
import io.netty.channel.AbstractChannel;
import io.netty.channel.Channel;
import io.netty.channel.ChannelId;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.UnresolvedAddressException;
import java.nio.channels.UnsupportedAddressTypeException;
import java.util.function.Supplier;

/** What Isla's channels have in common: their registration, their addresses, and whether they are open. */
abstract class AbstractIslaChannel extends AbstractChannel {
    private static final ChannelMetadata METADATA = new ChannelMetadata(false, 16);

    /** That of the loop the channel is registered with; its thread only. */
    private IoRegistration registration;

    /** That of the loop the channel is registered with, or was last. */
    private volatile Shard shard;

    private volatile InetSocketAddress local;
    private volatile InetSocketAddress remote;
    private volatile boolean open = true;
    private volatile boolean active;

    AbstractIslaChannel(Channel parent) {
        super(parent);
    }

    /** In a simulation, channels have the same names each time. */
    @Override
    protected final ChannelId newId() {
        Supplier<ChannelId> source = ThreadChannelIds.source();
        return source == null ? super.newId() : source.get();
    }

    // ------------------------------------------------------------------------------------------------ registration

    @Override
    protected boolean isCompatible(EventLoop loop) {
        return loop instanceof IoEventLoop ioLoop && ioLoop.isCompatible(IslaIoHandle.class);
    }

    @Override
    protected void doRegister(ChannelPromise promise) {
        ((IoEventLoop) eventLoop()).register((IslaIoHandle) unsafe()).addListener(future -> {
            if (!future.isSuccess()) {
                promise.setFailure(future.cause());
                return;
            }
            registration = (IoRegistration) future.getNow();
            shard = registration.attachment();
            joined(shard, promise);
        });
    }

    /** The channel is on the loop of a shard; completes the promise once it can work there. */
    abstract void joined(Shard shard, ChannelPromise promise);

    @Override
    protected void doDeregister() throws Exception {
        IoRegistration present = registration;
        if (present != null) {
            registration = null;
            present.cancel();
        }
    }

    /** The shard of the loop that the channel is registered with, or was last; {@code null} if it never was. Any thread. */
    final Shard shard() {
        return shard;
    }

    /** The host of the loop that the channel is registered with. */
    final HostStack host() {
        return shard.host();
    }

    /** Whether the caller is on the loop that the channel is registered with. */
    final boolean isOnItsLoop() {
        return super.isRegistered() && eventLoop().inEventLoop();
    }

    /** In a simulation, whoever asks because they want to wait for a future of the channel on its own loop is told what to do instead. */
    @Override
    public final boolean isRegistered() {
        boolean registered = super.isRegistered();
        if (registered && eventLoop() instanceof WaitingRefused loop) {
            loop.refuseToWait();
        }
        return registered;
    }

    // ------------------------------------------------------------------------------------------------ state

    @Override
    public ChannelMetadata metadata() {
        return METADATA;
    }

    @Override
    public final boolean isOpen() {
        return open;
    }

    @Override
    public boolean isActive() {
        return active;
    }

    final void active(boolean newActive) {
        active = newActive;
    }

    /** Marks the channel closed; returns whether it was open. */
    final boolean markClosed() {
        boolean wasOpen = open;
        active = false;
        open = false;
        return wasOpen;
    }

    @Override
    protected void doDisconnect() throws Exception {
        doClose();
    }

    // ------------------------------------------------------------------------------------------------ addresses

    @Override
    public InetSocketAddress localAddress() {
        return local;
    }

    @Override
    public InetSocketAddress remoteAddress() {
        return remote;
    }

    @Override
    protected final InetSocketAddress localAddress0() {
        return local;
    }

    @Override
    protected final InetSocketAddress remoteAddress0() {
        return remote;
    }

    final void localAddress(InetSocketAddress address) {
        local = address;
    }

    final void remoteAddress(InetSocketAddress address) {
        remote = address;
    }

    /** The address as one of the internet; {@code null} stays {@code null}. */
    static InetSocketAddress resolved(SocketAddress address) {
        if (address == null) {
            return null;
        }
        if (!(address instanceof InetSocketAddress internet)) {
            throw new UnsupportedAddressTypeException();
        }
        if (internet.isUnresolved()) {
            throw new UnresolvedAddressException();
        }
        return internet;
    }

    static InetSocketAddress socketAddress(IpAddress address, int port) {
        return new InetSocketAddress(address.toInetAddress(), port);
    }
}
