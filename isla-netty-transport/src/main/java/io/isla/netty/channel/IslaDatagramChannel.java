/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.host.IslaHost;
import io.isla.netty.stack.HostEndpoints;
import io.isla.netty.stack.HostStack;
import io.isla.netty.stack.Shard;
import io.isla.netty.udp.UdpEndpoint;
import io.isla.netty.udp.UdpUser;
import io.isla.netty.wire.IpAddress;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.util.internal.ObjectUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.NoRouteToHostException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.nio.channels.AlreadyBoundException;
import java.nio.channels.AlreadyConnectedException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.UnsupportedAddressTypeException;

/**
 * A UDP socket of an {@link IslaHost}: the host of the event loop that the channel is registered with. Takes the place of {@code NioDatagramChannel}.
 *
 * <p>It reads {@link io.netty.channel.socket.DatagramPacket}s, and writes these, {@link io.netty.channel.unix.SegmentedDatagramPacket}s, other
 * {@link io.netty.channel.AddressedEnvelope}s of a {@link io.netty.buffer.ByteBuf}, and, when it is connected, bare {@code ByteBuf}s. A datagram that cannot
 * be sent fails its write and nothing else. That nobody listens at the peer is told to a connected channel: as a
 * {@link java.net.PortUnreachableException} in the pipeline while it reads, else by the next write.
 *
 * <p>A host has one interface, which is none of the JVM's {@link NetworkInterface}s. Where one is asked for, any will do, and {@code null} too.
 */
public final class IslaDatagramChannel extends AbstractIslaChannel implements DatagramChannel {
    private static final ChannelMetadata METADATA = new ChannelMetadata(true, 16);

    private final IslaDatagramChannelConfig config = new IslaDatagramChannelConfig(this);
    private final boolean v4Only;
    private final DatagramReader reader = new DatagramReader(this);
    private final DatagramWriter writer = new DatagramWriter(this);
    private final DatagramMemberships memberships = new DatagramMemberships(this);
    private final UdpUser user = this::onUdpEvents;
    private final Runnable flushTask = () -> unsafe().flush();
    private UdpEndpoint endpoint;
    private HostStack boundHost;
    /** The registration that completes when the endpoint arrives on the shard of the channel's loop; {@code null} while it is not on its way. */
    private ChannelPromise arrival;

    private volatile boolean connected;

    /** A channel of both families. */
    public IslaDatagramChannel() {
        this(null);
    }

    /**
     * A channel of a family.
     *
     * @param family {@link SocketProtocolFamily#INET} for IPv4 only; with {@link SocketProtocolFamily#INET6} or {@code null} it does both
     * @throws UnsupportedOperationException for any other
     */
    public IslaDatagramChannel(SocketProtocolFamily family) {
        super(null);
        if (family == SocketProtocolFamily.UNIX) {
            throw new UnsupportedOperationException("not a family of the internet: " + family);
        }
        v4Only = family == SocketProtocolFamily.INET;
    }

    /** Whether {@link io.netty.channel.unix.SegmentedDatagramPacket}s may be written: they may. */
    public static boolean isSegmentedDatagramPacketSupported() {
        return true;
    }

    @Override
    public IslaDatagramChannelConfig config() {
        return config;
    }

    @Override
    public ChannelMetadata metadata() {
        return METADATA;
    }

    @Override
    public boolean isActive() {
        return super.isActive() || isOpen() && config.isActiveOnRegistration() && isRegistered();
    }

    @Override
    public boolean isConnected() {
        return connected;
    }

    /** Its endpoint, or {@code null} if it is not bound. The channel's loop. */
    UdpEndpoint endpoint() {
        return endpoint;
    }

    private void onUdpEvents(UdpEndpoint concerned) {
        if (concerned.failure() == null) {
            writer.resume();
            reader.readable();
        } else if (isOnItsLoop()) {
            pipeline().fireExceptionCaught(concerned.failure());
            unsafe().close(voidPromise());
        }
    }

    // ------------------------------------------------------------------------------------------------ registration

    @Override
    void joined(Shard shard, ChannelPromise promise) {
        UdpEndpoint bound = endpoint;
        if (bound == null) {
            promise.setSuccess();
            return;
        }
        if (shard.host() != boundHost) {
            promise.setFailure(new IllegalStateException(
                    "the channel is bound on another host than the one that this event loop runs"));
            return;
        }
        if (bound.isClosed()) {
            promise.setFailure(new ClosedChannelException());
            return;
        }
        if (bound.stack() == shard.udp()) {
            seated(bound);
            promise.setSuccess();
            return;
        }
        arrival = promise;
        writer.await();
        boundHost.endpoints().move(bound, shard, this::arrived);
    }

    /** The endpoint has come to the shard of the channel's loop; {@code null} if it was closed before it could. */
    private void arrived(UdpEndpoint moved) {
        ChannelPromise promise = arrival;
        arrival = null;
        if (moved == null) {
            promise.tryFailure(new ClosedChannelException());
            return;
        }
        if (!isOpen()) {
            boundHost.endpoints().close(moved);
            return;
        }
        endpoint = moved;
        // What was changed while it was on its way.
        if (!connected) {
            moved.disconnect();
        }
        memberships.setOf(moved);
        config.applyTo(moved);
        boundHost.endpoints().changed();
        seated(moved);
        promise.trySuccess();
    }

    /** The endpoint is on the shard of the channel's loop. */
    private void seated(UdpEndpoint present) {
        present.user(user);
        if (writer.isWaiting()) {
            present.callNextTurn();
        }
    }

    @Override
    protected void doDeregister() throws Exception {
        if (endpoint != null && arrival == null && shard().loop().inLoop()) {
            endpoint.user(null);
        }
        reader.deregistered();
        super.doDeregister();
    }

    // ------------------------------------------------------------------------------------------------ life

    @Override
    protected void doBind(SocketAddress localAddress) throws Exception {
        bind(supported(resolved(localAddress)));
        active(true);
    }

    /** Binds it to any port of all addresses if it is not bound. */
    void bindIfNeeded() throws Exception {
        if (endpoint == null) {
            bind(new InetSocketAddress(0));
        }
    }

    private void bind(InetSocketAddress wanted) throws Exception {
        if (endpoint != null) {
            throw new AlreadyBoundException();
        }
        IpAddress address = IpAddress.of(wanted.getAddress());
        if (address.isUnspecified()) {
            address = v4Only ? IpAddress.ANY_V4 : IpAddress.ANY_V6;
        }
        HostStack host = host();
        UdpEndpoint bound = host.endpoints()
                .open(
                        shard(),
                        address,
                        wanted.getPort(),
                        config.isReuseAddress() || config.isReusePort(),
                        config.isFreeBind(),
                        config.isV6Only(),
                        user);
        endpoint = bound;
        boundHost = host;
        config.applyTo(bound);
        memberships.addTo(bound);
        host.endpoints().changed();
        localAddress(new InetSocketAddress(wanted.getAddress(), bound.localPort()));
    }

    private void connect(InetSocketAddress remote, InetSocketAddress local) throws Exception {
        if (connected) {
            throw new AlreadyConnectedException();
        }
        if (local != null) {
            bind(local);
        }
        bindIfNeeded();
        IpAddress to = destination(remote);
        if (!config.isBroadcast() && shard().ip().isBroadcast(to)) {
            throw new SocketException("Permission denied: " + to + " is a broadcast address; set SO_BROADCAST");
        }
        if (!endpoint.connect(to, remote.getPort())) {
            throw new NoRouteToHostException("Network is unreachable: there is no route to " + to);
        }
        boundHost.endpoints().changed();
        localAddress(socketAddress(endpoint.connectedLocalAddress(), endpoint.localPort()));
        remoteAddress(remote);
        connected = true;
        active(true);
    }

    @Override
    protected void doDisconnect() throws Exception {
        if (endpoint != null) {
            if (arrival == null) {
                endpoint.disconnect();
                boundHost.endpoints().changed();
            }
            InetAddress bound = endpoint.localAddress().toInetAddress();
            localAddress(new InetSocketAddress(bound, endpoint.localPort()));
        }
        remoteAddress(null);
        connected = false;
        active(false);
    }

    @Override
    protected void doClose() throws Exception {
        if (!markClosed()) {
            return;
        }
        connected = false;
        memberships.close();
        doDeregister();
        if (arrival != null) {
            arrival.tryFailure(new ClosedChannelException());
        }
        UdpEndpoint bound = endpoint;
        if (bound != null) {
            // If it is on its way, it is closed where it leaves or where it arrives.
            Shard owner = HostEndpoints.owner(bound);
            HostStack host = boundHost;
            if (owner.loop().inLoop()) {
                host.endpoints().close(bound);
            } else {
                // A shard that has ended has closed it.
                owner.execute(() -> host.endpoints().close(bound));
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ reading and
    // writing

    @Override
    protected void doBeginRead() {
        reader.begin();
    }

    void autoReadCleared() {
        if (!isRegistered()) {
            return;
        }
        if (eventLoop().inEventLoop()) {
            reader.clear();
        } else {
            eventLoop().execute(() -> {
                if (isOnItsLoop()) {
                    reader.clearUnlessWanted();
                }
            });
        }
    }

    /** Has the options take effect on the endpoint. Any thread. */
    void configChanged() {
        if (!isRegistered()) {
            return;
        }
        if (eventLoop().inEventLoop()) {
            applyConfig();
        } else {
            eventLoop().execute(() -> {
                if (isOnItsLoop()) {
                    applyConfig();
                }
            });
        }
    }

    private void applyConfig() {
        if (endpoint != null) {
            config.applyTo(endpoint);
            boundHost.endpoints().changed();
        }
    }

    @Override
    protected Object filterOutboundMessage(Object message) {
        return writer.filter(message);
    }

    @Override
    protected void doWrite(ChannelOutboundBuffer in) {
        if (!writer.write(in, maxMessagesPerWrite())) {
            eventLoop().execute(flushTask);
        }
    }

    void flushNow() {
        ((DatagramUnsafe) unsafe()).flushNow();
    }

    /** Where a datagram to an address goes: as on Linux, one to the wildcard goes to this host itself. */
    IpAddress destination(InetSocketAddress address) {
        IpAddress to = IpAddress.of(supported(address).getAddress());
        if (to.isUnspecified()) {
            return to.isV4() || v4Only ? IpAddress.LOOPBACK_V4 : IpAddress.LOOPBACK_V6;
        }
        return to;
    }

    private InetSocketAddress supported(InetSocketAddress address) {
        if (v4Only && !IpAddress.of(address.getAddress()).isV4()) {
            throw new UnsupportedAddressTypeException();
        }
        return address;
    }

    // ------------------------------------------------------------------------------------------------ multicast

    /** Joins a group. The future completes once all event loops of the host are in it. */
    @Override
    public ChannelFuture joinGroup(InetAddress multicastAddress) {
        return joinGroup(multicastAddress, newPromise());
    }

    @Override
    public ChannelFuture joinGroup(InetAddress multicastAddress, ChannelPromise promise) {
        return joinGroup(multicastAddress, null, null, promise);
    }

    @Override
    public ChannelFuture joinGroup(InetSocketAddress multicastAddress, NetworkInterface networkInterface) {
        return joinGroup(multicastAddress, networkInterface, newPromise());
    }

    @Override
    public ChannelFuture joinGroup(
            InetSocketAddress multicastAddress, NetworkInterface networkInterface, ChannelPromise promise) {
        return joinGroup(multicastAddress.getAddress(), networkInterface, null, promise);
    }

    @Override
    public ChannelFuture joinGroup(
            InetAddress multicastAddress, NetworkInterface networkInterface, InetAddress source) {
        return joinGroup(multicastAddress, networkInterface, source, newPromise());
    }

    /**
     * Joins a group.
     *
     * @param networkInterface of no effect
     * @param source the only source to be heard, besides others that were joined; {@code null} for all
     */
    @Override
    public ChannelFuture joinGroup(
            InetAddress multicastAddress,
            NetworkInterface networkInterface,
            InetAddress source,
            ChannelPromise promise) {
        ObjectUtil.checkNotNull(multicastAddress, "multicastAddress");
        return onLoop(() -> memberships.join(multicastAddress, source, promise), promise);
    }

    @Override
    public ChannelFuture leaveGroup(InetAddress multicastAddress) {
        return leaveGroup(multicastAddress, newPromise());
    }

    @Override
    public ChannelFuture leaveGroup(InetAddress multicastAddress, ChannelPromise promise) {
        return leaveGroup(multicastAddress, null, null, promise);
    }

    @Override
    public ChannelFuture leaveGroup(InetSocketAddress multicastAddress, NetworkInterface networkInterface) {
        return leaveGroup(multicastAddress, networkInterface, newPromise());
    }

    @Override
    public ChannelFuture leaveGroup(
            InetSocketAddress multicastAddress, NetworkInterface networkInterface, ChannelPromise promise) {
        return leaveGroup(multicastAddress.getAddress(), networkInterface, null, promise);
    }

    @Override
    public ChannelFuture leaveGroup(
            InetAddress multicastAddress, NetworkInterface networkInterface, InetAddress source) {
        return leaveGroup(multicastAddress, networkInterface, source, newPromise());
    }

    /**
     * Leaves a group.
     *
     * @param networkInterface of no effect
     * @param source the source that is no longer to be heard, if it was joined for sources; {@code null} to leave altogether
     */
    @Override
    public ChannelFuture leaveGroup(
            InetAddress multicastAddress,
            NetworkInterface networkInterface,
            InetAddress source,
            ChannelPromise promise) {
        ObjectUtil.checkNotNull(multicastAddress, "multicastAddress");
        return onLoop(() -> memberships.leave(multicastAddress, source, promise), promise);
    }

    @Override
    public ChannelFuture block(
            InetAddress multicastAddress, NetworkInterface networkInterface, InetAddress sourceToBlock) {
        return block(multicastAddress, networkInterface, sourceToBlock, newPromise());
    }

    /**
     * Stops hearing a source of a group that was joined for all sources.
     *
     * @param networkInterface of no effect
     */
    @Override
    public ChannelFuture block(
            InetAddress multicastAddress,
            NetworkInterface networkInterface,
            InetAddress sourceToBlock,
            ChannelPromise promise) {
        ObjectUtil.checkNotNull(multicastAddress, "multicastAddress");
        ObjectUtil.checkNotNull(sourceToBlock, "sourceToBlock");
        return onLoop(() -> memberships.block(multicastAddress, sourceToBlock, promise), promise);
    }

    @Override
    public ChannelFuture block(InetAddress multicastAddress, InetAddress sourceToBlock) {
        return block(multicastAddress, sourceToBlock, newPromise());
    }

    @Override
    public ChannelFuture block(InetAddress multicastAddress, InetAddress sourceToBlock, ChannelPromise promise) {
        return block(multicastAddress, null, sourceToBlock, promise);
    }

    private ChannelFuture onLoop(Runnable action, ChannelPromise promise) {
        Runnable checked = () -> {
            if (!isOpen()) {
                promise.tryFailure(new ClosedChannelException());
            } else {
                action.run();
            }
        };
        if (eventLoop().inEventLoop()) {
            checked.run();
        } else {
            eventLoop().execute(checked);
        }
        return promise;
    }

    // ------------------------------------------------------------------------------------------------ unsafe

    @Override
    protected AbstractUnsafe newUnsafe() {
        return new DatagramUnsafe();
    }

    private final class DatagramUnsafe extends AbstractUnsafe implements IslaIoHandle {
        @Override
        public Channel channel() {
            return IslaDatagramChannel.this;
        }

        @Override
        public void close() {
            close(voidPromise());
        }

        void flushNow() {
            super.flush0();
        }

        @Override
        protected void flush0() {
            // While it waits for its turn, that flushes.
            if (!writer.isWaiting()) {
                super.flush0();
            }
        }

        @Override
        public void connect(SocketAddress remoteAddress, SocketAddress localAddress, ChannelPromise promise) {
            if (!promise.setUncancellable() || !ensureOpen(promise)) {
                return;
            }
            if (arrival != null) {
                arrival.addListener(future -> connect(remoteAddress, localAddress, promise));
                return;
            }
            boolean wasActive = isActive();
            try {
                IslaDatagramChannel.this.connect(resolved(remoteAddress), resolved(localAddress));
            } catch (Throwable t) {
                promise.tryFailure(annotateConnectException(t, remoteAddress));
                return;
            }
            boolean nowActive = isActive();
            promise.trySuccess();
            if (!wasActive && nowActive) {
                pipeline().fireChannelActive();
            }
        }
    }
}
