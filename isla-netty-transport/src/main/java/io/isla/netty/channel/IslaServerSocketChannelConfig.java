/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static io.netty.channel.ChannelOption.SO_BACKLOG;
import static io.netty.channel.ChannelOption.SO_RCVBUF;
import static io.netty.channel.ChannelOption.SO_REUSEADDR;
import static io.netty.channel.ChannelOption.TCP_FASTOPEN;

import io.isla.netty.tcp.TcpSettings;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.MessageSizeEstimator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.ServerChannelRecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.ServerSocketChannelConfig;
import io.netty.util.NetUtil;
import io.netty.util.internal.ObjectUtil;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The options of an {@link IslaServerSocketChannel}: those of {@link ServerSocketChannelConfig}, {@link ChannelOption#TCP_FASTOPEN}, and those of
 * {@link IslaChannelOption}; TCP options are what accepted channels start with. All must be set before binding.
 */
public final class IslaServerSocketChannelConfig extends DefaultChannelConfig implements ServerSocketChannelConfig {
    private final IslaServerSocketChannel channel;
    private final TcpSettingsHolder settings = new TcpSettingsHolder();
    private volatile int backlog = NetUtil.SOMAXCONN;
    private volatile boolean reuseAddress = true;
    private volatile boolean reusePort;
    private volatile boolean transparent;
    private volatile boolean anyPort;
    private volatile IslaSynHandler synHandler;
    private volatile boolean freeBind;
    private volatile int deferAcceptSeconds;

    IslaServerSocketChannelConfig(IslaServerSocketChannel channel) {
        super(channel, new ServerChannelRecvByteBufAllocator());
        this.channel = channel;
    }

    TcpSettingsHolder holder() {
        return settings;
    }

    /** What a listener is made with. */
    TcpSettings settings() {
        settings.taken();
        return settings.copy();
    }

    /** Has the listener know what its connections start with. As the last to do so has seen all changes, none is lost. Any thread. */
    synchronized void publish() {
        channel.settingsChanged(settings.copy());
    }

    private void change(Consumer<TcpSettings> setter) {
        settings.set(setter);
        publish();
    }

    @Override
    protected void autoReadCleared() {
        channel.autoReadCleared();
    }

    @Override
    public Map<ChannelOption<?>, Object> getOptions() {
        Map<ChannelOption<?>, Object> options = getOptions(
                super.getOptions(),
                SO_RCVBUF,
                SO_REUSEADDR,
                SO_BACKLOG,
                TCP_FASTOPEN,
                IslaChannelOption.SO_REUSEPORT,
                IslaChannelOption.IPV6_V6ONLY,
                IslaChannelOption.IP_FREEBIND,
                IslaChannelOption.IP_TRANSPARENT,
                IslaChannelOption.ANY_PORT,
                IslaChannelOption.SYN_HANDLER,
                IslaChannelOption.TCP_DEFER_ACCEPT);
        return getOptions(options, TcpOptions.ofAccepting());
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T> T getOption(ChannelOption<T> option) {
        if (option == SO_RCVBUF) {
            return (T) Integer.valueOf(getReceiveBufferSize());
        }
        if (option == SO_REUSEADDR) {
            return (T) Boolean.valueOf(isReuseAddress());
        }
        if (option == SO_BACKLOG) {
            return (T) Integer.valueOf(getBacklog());
        }
        if (option == TCP_FASTOPEN) {
            return (T) settings.get(TcpSettings::fastOpenBacklog);
        }
        if (option == IslaChannelOption.SO_REUSEPORT) {
            return (T) Boolean.valueOf(isReusePort());
        }
        if (option == IslaChannelOption.IPV6_V6ONLY) {
            return (T) settings.get(TcpSettings::v6Only);
        }
        if (option == IslaChannelOption.IP_FREEBIND) {
            return (T) Boolean.valueOf(isFreeBind());
        }
        if (option == IslaChannelOption.IP_TRANSPARENT) {
            return (T) Boolean.valueOf(isTransparent());
        }
        if (option == IslaChannelOption.ANY_PORT) {
            return (T) Boolean.valueOf(isAnyPort());
        }
        if (option == IslaChannelOption.SYN_HANDLER) {
            return (T) getSynHandler();
        }
        if (option == IslaChannelOption.TCP_DEFER_ACCEPT) {
            return (T) Integer.valueOf(getDeferAcceptSeconds());
        }
        return TcpOptions.isOfAccepting(option)
                ? TcpOptions.get(settings, TcpOptions.parameters(channel.shard()), option)
                : super.getOption(option);
    }

    @Override
    public <T> boolean setOption(ChannelOption<T> option, T value) {
        if (option == IslaChannelOption.SYN_HANDLER) {
            // The one that may be null.
            setSynHandler((IslaSynHandler) value);
            return true;
        }
        validate(option, value);
        if (option == SO_RCVBUF) {
            setReceiveBufferSize((Integer) value);
        } else if (option == SO_REUSEADDR) {
            setReuseAddress((Boolean) value);
        } else if (option == SO_BACKLOG) {
            setBacklog((Integer) value);
        } else if (option == TCP_FASTOPEN) {
            int pending = ObjectUtil.checkPositiveOrZero((Integer) value, "TCP_FASTOPEN");
            change(s -> s.fastOpenBacklog(pending));
        } else if (option == IslaChannelOption.SO_REUSEPORT) {
            setReusePort((Boolean) value);
        } else if (option == IslaChannelOption.IPV6_V6ONLY) {
            change(s -> s.v6Only((Boolean) value));
        } else if (option == IslaChannelOption.IP_FREEBIND) {
            freeBind = (Boolean) value;
        } else if (option == IslaChannelOption.IP_TRANSPARENT) {
            setTransparent((Boolean) value);
        } else if (option == IslaChannelOption.ANY_PORT) {
            setAnyPort((Boolean) value);
        } else if (option == IslaChannelOption.TCP_DEFER_ACCEPT) {
            deferAcceptSeconds = ObjectUtil.checkPositiveOrZero((Integer) value, "TCP_DEFER_ACCEPT");
        } else if (TcpOptions.isOfAccepting(option)) {
            TcpOptions.set(settings, option, value);
            publish();
        } else {
            return super.setOption(option, value);
        }
        return true;
    }

    /** How many connections may wait to be accepted; the system's limit unless set. */
    @Override
    public int getBacklog() {
        return backlog;
    }

    /** Sets how many connections may wait to be accepted; SYNs that come on top of that are dropped. */
    @Override
    public IslaServerSocketChannelConfig setBacklog(int backlog) {
        this.backlog = ObjectUtil.checkPositiveOrZero(backlog, "SO_BACKLOG");
        return this;
    }

    /** Whether the port may be bound while old connections on it are in TIME-WAIT; they never prevent it here. */
    @Override
    public boolean isReuseAddress() {
        return reuseAddress;
    }

    @Override
    public IslaServerSocketChannelConfig setReuseAddress(boolean reuseAddress) {
        this.reuseAddress = reuseAddress;
        return this;
    }

    /** {@link IslaChannelOption#SO_REUSEPORT}. */
    public boolean isReusePort() {
        return reusePort;
    }

    /** {@link IslaChannelOption#SO_REUSEPORT}. */
    public IslaServerSocketChannelConfig setReusePort(boolean reusePort) {
        this.reusePort = reusePort;
        return this;
    }

    /** {@link IslaChannelOption#IP_TRANSPARENT}. */
    public boolean isTransparent() {
        return transparent;
    }

    /** {@link IslaChannelOption#IP_TRANSPARENT}. */
    public IslaServerSocketChannelConfig setTransparent(boolean transparent) {
        this.transparent = transparent;
        return this;
    }

    /** {@link IslaChannelOption#ANY_PORT}. */
    public boolean isAnyPort() {
        return anyPort;
    }

    /** {@link IslaChannelOption#ANY_PORT}. */
    public IslaServerSocketChannelConfig setAnyPort(boolean anyPort) {
        this.anyPort = anyPort;
        return this;
    }

    /** {@link IslaChannelOption#SYN_HANDLER}; {@code null} if all requests are accepted. */
    public IslaSynHandler getSynHandler() {
        return synHandler;
    }

    /** {@link IslaChannelOption#SYN_HANDLER}; {@code null} for all requests to be accepted. */
    public IslaServerSocketChannelConfig setSynHandler(IslaSynHandler synHandler) {
        this.synHandler = synHandler;
        return this;
    }

    /** {@link IslaChannelOption#IP_FREEBIND}. */
    boolean isFreeBind() {
        return freeBind;
    }

    /** {@link IslaChannelOption#TCP_DEFER_ACCEPT}; 0 if connections do not wait. */
    int getDeferAcceptSeconds() {
        return deferAcceptSeconds;
    }

    /** The size of the receive buffers of accepted connections in bytes: what was set, or what they start with. */
    @Override
    public int getReceiveBufferSize() {
        int set = settings.get(TcpSettings::receiveBuffer);
        return set > 0 ? set : TcpOptions.parameters(channel.shard()).defaultReceiveBuffer;
    }

    /** Fixes the size of the receive buffers of accepted connections, which grow by themselves if it is not set. */
    @Override
    public IslaServerSocketChannelConfig setReceiveBufferSize(int bytes) {
        ObjectUtil.checkPositive(bytes, "SO_RCVBUF");
        change(s -> s.receiveBuffer(bytes));
        return this;
    }

    /** Has no effect, as in Java's own sockets. */
    @Override
    public IslaServerSocketChannelConfig setPerformancePreferences(int connectionTime, int latency, int bandwidth) {
        return this;
    }

    // ------------------------------------------------------------------------------------------------ with this type

    @Override
    public IslaServerSocketChannelConfig setConnectTimeoutMillis(int connectTimeoutMillis) {
        super.setConnectTimeoutMillis(connectTimeoutMillis);
        return this;
    }

    @Override
    @Deprecated
    public IslaServerSocketChannelConfig setMaxMessagesPerRead(int maxMessagesPerRead) {
        super.setMaxMessagesPerRead(maxMessagesPerRead);
        return this;
    }

    @Override
    public IslaServerSocketChannelConfig setWriteSpinCount(int writeSpinCount) {
        super.setWriteSpinCount(writeSpinCount);
        return this;
    }

    @Override
    public IslaServerSocketChannelConfig setAllocator(ByteBufAllocator allocator) {
        super.setAllocator(allocator);
        return this;
    }

    @Override
    public IslaServerSocketChannelConfig setRecvByteBufAllocator(RecvByteBufAllocator allocator) {
        super.setRecvByteBufAllocator(allocator);
        return this;
    }

    @Override
    public IslaServerSocketChannelConfig setAutoRead(boolean autoRead) {
        super.setAutoRead(autoRead);
        return this;
    }

    @Override
    public IslaServerSocketChannelConfig setMessageSizeEstimator(MessageSizeEstimator estimator) {
        super.setMessageSizeEstimator(estimator);
        return this;
    }

    @Override
    public IslaServerSocketChannelConfig setWriteBufferWaterMark(WriteBufferWaterMark writeBufferWaterMark) {
        super.setWriteBufferWaterMark(writeBufferWaterMark);
        return this;
    }

    @Override
    @Deprecated
    public IslaServerSocketChannelConfig setWriteBufferHighWaterMark(int writeBufferHighWaterMark) {
        super.setWriteBufferHighWaterMark(writeBufferHighWaterMark);
        return this;
    }

    @Override
    @Deprecated
    public IslaServerSocketChannelConfig setWriteBufferLowWaterMark(int writeBufferLowWaterMark) {
        super.setWriteBufferLowWaterMark(writeBufferLowWaterMark);
        return this;
    }
}
