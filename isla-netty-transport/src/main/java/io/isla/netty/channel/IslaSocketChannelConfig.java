/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static io.netty.channel.ChannelOption.ALLOW_HALF_CLOSURE;
import static io.netty.channel.ChannelOption.IP_TOS;
import static io.netty.channel.ChannelOption.SO_KEEPALIVE;
import static io.netty.channel.ChannelOption.SO_LINGER;
import static io.netty.channel.ChannelOption.SO_RCVBUF;
import static io.netty.channel.ChannelOption.SO_REUSEADDR;
import static io.netty.channel.ChannelOption.SO_SNDBUF;
import static io.netty.channel.ChannelOption.TCP_NODELAY;

import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpParameters;
import io.isla.netty.tcp.TcpSettings;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.MessageSizeEstimator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.SocketChannelConfig;
import io.netty.util.internal.ObjectUtil;
import java.util.Map;

/**
 * The options of an {@link IslaSocketChannel}: those of {@link SocketChannelConfig}, {@link ChannelOption#TCP_FASTOPEN_CONNECT}, and those of
 * {@link IslaChannelOption} that are of connections. Any thread; a change reaches an open connection a moment later.
 */
public final class IslaSocketChannelConfig extends DefaultChannelConfig implements SocketChannelConfig {
    private final IslaSocketChannel channel;
    private final TcpSettingsHolder settings;
    private volatile boolean allowHalfClosure;
    private volatile boolean reuseAddress;
    private volatile boolean bindAddressNoPort;
    private volatile boolean errorReport = true;
    private volatile int soLinger = -1;

    IslaSocketChannelConfig(IslaSocketChannel channel) {
        super(channel);
        this.channel = channel;
        settings = new TcpSettingsHolder();
    }

    /** That of an accepted channel: as on Linux, it starts with what TCP options the listening one has. */
    IslaSocketChannelConfig(IslaSocketChannel channel, IslaServerSocketChannelConfig parent) {
        super(channel);
        this.channel = channel;
        settings = new TcpSettingsHolder(parent.holder());
    }

    // ------------------------------------------------------------------------------------------------ for the channel

    /** What a connection is made with. */
    TcpSettings settings() {
        settings.taken();
        return settings.copy();
    }

    /** Puts what has changed into effect, on the thread of the connection. */
    void applyTo(TcpConnection connection) {
        settings.applyTo(connection, channel.shard().now());
    }

    /** What holds for the connections of the channel's host, once it is registered or accepted. */
    private TcpParameters parameters() {
        return TcpOptions.parameters(channel.shard() != null ? channel.shard() : channel.owner());
    }

    private void applyOnLoop() {
        TcpConnection c = channel.connection();
        if (c != null && channel.isOpen() && channel.isOnItsLoop()) {
            applyTo(c);
        }
    }

    private void settingsChanged() {
        // Before the channel is registered there is nobody to tell: it looks for itself when it is.
        if (channel.isRegistered()) {
            if (channel.eventLoop().inEventLoop()) {
                applyOnLoop();
            } else {
                channel.eventLoop().execute(this::applyOnLoop);
            }
        }
    }

    @Override
    protected void autoReadCleared() {
        channel.autoReadCleared();
    }

    // ------------------------------------------------------------------------------------------------ options

    @Override
    public Map<ChannelOption<?>, Object> getOptions() {
        Map<ChannelOption<?>, Object> options = getOptions(
                super.getOptions(),
                SO_RCVBUF,
                SO_SNDBUF,
                SO_REUSEADDR,
                SO_LINGER,
                ALLOW_HALF_CLOSURE,
                IslaChannelOption.TCP_ERROR_REPORT,
                IslaChannelOption.IP_BIND_ADDRESS_NO_PORT);
        return getOptions(options, TcpOptions.all());
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T> T getOption(ChannelOption<T> option) {
        if (option == SO_RCVBUF) {
            return (T) Integer.valueOf(getReceiveBufferSize());
        }
        if (option == SO_SNDBUF) {
            return (T) Integer.valueOf(getSendBufferSize());
        }
        if (option == SO_REUSEADDR) {
            return (T) Boolean.valueOf(isReuseAddress());
        }
        if (option == SO_LINGER) {
            return (T) Integer.valueOf(getSoLinger());
        }
        if (option == ALLOW_HALF_CLOSURE) {
            return (T) Boolean.valueOf(isAllowHalfClosure());
        }
        if (option == IslaChannelOption.TCP_ERROR_REPORT) {
            return (T) Boolean.valueOf(isErrorReport());
        }
        if (option == IslaChannelOption.IP_BIND_ADDRESS_NO_PORT) {
            return (T) Boolean.valueOf(isBindAddressNoPort());
        }
        T value = TcpOptions.get(settings, parameters(), option);
        return value != null ? value : super.getOption(option);
    }

    @Override
    public <T> boolean setOption(ChannelOption<T> option, T value) {
        validate(option, value);
        if (option == SO_RCVBUF) {
            setReceiveBufferSize((Integer) value);
        } else if (option == SO_SNDBUF) {
            setSendBufferSize((Integer) value);
        } else if (option == SO_REUSEADDR) {
            setReuseAddress((Boolean) value);
        } else if (option == SO_LINGER) {
            setSoLinger((Integer) value);
        } else if (option == ALLOW_HALF_CLOSURE) {
            setAllowHalfClosure((Boolean) value);
        } else if (option == IslaChannelOption.TCP_ERROR_REPORT) {
            errorReport = (Boolean) value;
        } else if (option == IslaChannelOption.IP_BIND_ADDRESS_NO_PORT) {
            bindAddressNoPort = (Boolean) value;
        } else if (TcpOptions.set(settings, option, value)) {
            settingsChanged();
        } else {
            return super.setOption(option, value);
        }
        return true;
    }

    /** The size of the receive buffer in bytes: what was set, or what it has grown to by itself. */
    @Override
    public int getReceiveBufferSize() {
        int set = settings.get(TcpSettings::receiveBuffer);
        if (set > 0) {
            return set;
        }
        TcpConnection c = channel.connection();
        return c == null ? parameters().defaultReceiveBuffer : c.receiveBufferSize();
    }

    /** Fixes the size of the receive buffer, which grows by itself if it is not set. */
    @Override
    public IslaSocketChannelConfig setReceiveBufferSize(int bytes) {
        ObjectUtil.checkPositive(bytes, "SO_RCVBUF");
        settings.set(s -> s.receiveBuffer(bytes));
        settingsChanged();
        return this;
    }

    /** The size of the send buffer in bytes: what was set, or what it has grown to by itself. */
    @Override
    public int getSendBufferSize() {
        int set = settings.get(TcpSettings::sendBuffer);
        if (set > 0) {
            return set;
        }
        TcpConnection c = channel.connection();
        return c == null ? parameters().defaultSendBuffer : c.sendBufferSize();
    }

    /** Fixes the size of the send buffer, which grows by itself if it is not set. */
    @Override
    public IslaSocketChannelConfig setSendBufferSize(int bytes) {
        ObjectUtil.checkPositive(bytes, "SO_SNDBUF");
        settings.set(s -> s.sendBuffer(bytes));
        settingsChanged();
        return this;
    }

    @Override
    public boolean isTcpNoDelay() {
        return settings.get(TcpSettings::noDelay);
    }

    @Override
    public IslaSocketChannelConfig setTcpNoDelay(boolean tcpNoDelay) {
        setOption(TCP_NODELAY, tcpNoDelay);
        return this;
    }

    @Override
    public boolean isKeepAlive() {
        return settings.get(TcpSettings::keepAlive);
    }

    @Override
    public IslaSocketChannelConfig setKeepAlive(boolean keepAlive) {
        setOption(SO_KEEPALIVE, keepAlive);
        return this;
    }

    @Override
    public int getTrafficClass() {
        return settings.get(TcpSettings::trafficClass);
    }

    @Override
    public IslaSocketChannelConfig setTrafficClass(int trafficClass) {
        setOption(IP_TOS, trafficClass);
        return this;
    }

    @Override
    public boolean isReuseAddress() {
        return reuseAddress;
    }

    @Override
    public IslaSocketChannelConfig setReuseAddress(boolean reuseAddress) {
        this.reuseAddress = reuseAddress;
        return this;
    }

    @Override
    public int getSoLinger() {
        return soLinger;
    }

    /**
     * Sets what closing does: below 0, the default, it returns at once and what was written is sent; 0 resets the connection; above 0, it completes when the
     * peer has acknowledged everything, or after so many seconds.
     */
    @Override
    public IslaSocketChannelConfig setSoLinger(int soLinger) {
        this.soLinger = Math.max(-1, soLinger);
        return this;
    }

    @Override
    public boolean isAllowHalfClosure() {
        return allowHalfClosure;
    }

    @Override
    public IslaSocketChannelConfig setAllowHalfClosure(boolean allowHalfClosure) {
        this.allowHalfClosure = allowHalfClosure;
        return this;
    }

    /** {@link IslaChannelOption#TCP_ERROR_REPORT}. */
    boolean isErrorReport() {
        return errorReport;
    }

    /** {@link IslaChannelOption#IP_BIND_ADDRESS_NO_PORT}. */
    boolean isBindAddressNoPort() {
        return bindAddressNoPort;
    }

    /** Has no effect, as in Java's own sockets. */
    @Override
    public IslaSocketChannelConfig setPerformancePreferences(int connectionTime, int latency, int bandwidth) {
        return this;
    }

    // ------------------------------------------------------------------------------------------------ with this type

    @Override
    public IslaSocketChannelConfig setConnectTimeoutMillis(int connectTimeoutMillis) {
        super.setConnectTimeoutMillis(connectTimeoutMillis);
        return this;
    }

    @Override
    @Deprecated
    public IslaSocketChannelConfig setMaxMessagesPerRead(int maxMessagesPerRead) {
        super.setMaxMessagesPerRead(maxMessagesPerRead);
        return this;
    }

    @Override
    public IslaSocketChannelConfig setWriteSpinCount(int writeSpinCount) {
        super.setWriteSpinCount(writeSpinCount);
        return this;
    }

    @Override
    public IslaSocketChannelConfig setAllocator(ByteBufAllocator allocator) {
        super.setAllocator(allocator);
        return this;
    }

    @Override
    public IslaSocketChannelConfig setRecvByteBufAllocator(RecvByteBufAllocator allocator) {
        super.setRecvByteBufAllocator(allocator);
        return this;
    }

    @Override
    public IslaSocketChannelConfig setAutoRead(boolean autoRead) {
        super.setAutoRead(autoRead);
        return this;
    }

    @Override
    public IslaSocketChannelConfig setAutoClose(boolean autoClose) {
        super.setAutoClose(autoClose);
        return this;
    }

    @Override
    public IslaSocketChannelConfig setMessageSizeEstimator(MessageSizeEstimator estimator) {
        super.setMessageSizeEstimator(estimator);
        return this;
    }

    @Override
    public IslaSocketChannelConfig setWriteBufferWaterMark(WriteBufferWaterMark writeBufferWaterMark) {
        super.setWriteBufferWaterMark(writeBufferWaterMark);
        return this;
    }

    @Override
    @Deprecated
    public IslaSocketChannelConfig setWriteBufferHighWaterMark(int writeBufferHighWaterMark) {
        super.setWriteBufferHighWaterMark(writeBufferHighWaterMark);
        return this;
    }

    @Override
    @Deprecated
    public IslaSocketChannelConfig setWriteBufferLowWaterMark(int writeBufferLowWaterMark) {
        super.setWriteBufferLowWaterMark(writeBufferLowWaterMark);
        return this;
    }
}
