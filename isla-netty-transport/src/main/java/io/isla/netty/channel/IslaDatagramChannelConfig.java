/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static io.netty.channel.ChannelOption.IP_MULTICAST_ADDR;
import static io.netty.channel.ChannelOption.IP_MULTICAST_IF;
import static io.netty.channel.ChannelOption.IP_MULTICAST_LOOP_DISABLED;
import static io.netty.channel.ChannelOption.IP_MULTICAST_TTL;
import static io.netty.channel.ChannelOption.IP_TOS;
import static io.netty.channel.ChannelOption.SO_BROADCAST;
import static io.netty.channel.ChannelOption.SO_RCVBUF;
import static io.netty.channel.ChannelOption.SO_REUSEADDR;
import static io.netty.channel.ChannelOption.SO_SNDBUF;

import io.isla.netty.udp.UdpEndpoint;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.MessageSizeEstimator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.DatagramChannelConfig;
import io.netty.util.internal.ObjectUtil;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.util.Iterator;
import java.util.Map;

/**
 * The options of an {@link IslaDatagramChannel}: those of {@link DatagramChannelConfig}, {@link IslaChannelOption#IP_TTL},
 * {@link IslaChannelOption#SO_REUSEPORT} and {@link IslaChannelOption#IPV6_V6ONLY}. Any thread; a change reaches a bound channel a moment later.
 *
 * <p>As with every datagram channel of Netty, datagrams are read into buffers of 2,048 bytes, and what does not fit is lost, unless
 * {@link ChannelOption#RECVBUF_ALLOCATOR} is set.
 */
public final class IslaDatagramChannelConfig extends DefaultChannelConfig implements DatagramChannelConfig {
    private static final int DEFAULT_RECEIVE_BYTES = 2048;
    private static final int DEFAULT_BUFFER = 212_992;
    private static final int DEFAULT_TTL = 64;

    private final IslaDatagramChannel channel;
    private volatile boolean activeOnRegistration;
    private volatile boolean broadcast;
    private volatile boolean reuseAddress;
    private volatile boolean reusePort;
    private volatile boolean v6Only;
    private volatile boolean freeBind;
    private volatile boolean multicastAll;
    private volatile boolean receiveOriginalDestination;
    private volatile boolean loopbackModeDisabled;
    private volatile int receiveBuffer = DEFAULT_BUFFER;
    private volatile int sendBuffer = DEFAULT_BUFFER;
    private volatile int trafficClass;
    private volatile int hopLimit = DEFAULT_TTL;
    private volatile int multicastHopLimit = 1;
    private volatile InetAddress interfaceAddress;
    private volatile NetworkInterface networkInterface;

    IslaDatagramChannelConfig(IslaDatagramChannel channel) {
        super(channel, new FixedRecvByteBufAllocator(DEFAULT_RECEIVE_BYTES));
        this.channel = channel;
    }

    void applyTo(UdpEndpoint endpoint) {
        endpoint.broadcast(broadcast);
        endpoint.trafficClass(trafficClass);
        endpoint.hopLimit(hopLimit);
        endpoint.multicastHopLimit(multicastHopLimit);
        endpoint.multicastLoop(!loopbackModeDisabled);
        endpoint.receiveBuffer(receiveBuffer);
        endpoint.multicastAll(multicastAll);
    }

    @Override
    protected void autoReadCleared() {
        channel.autoReadCleared();
    }

    @Override
    @SuppressWarnings("deprecation")
    public Map<ChannelOption<?>, Object> getOptions() {
        return getOptions(
                super.getOptions(),
                SO_BROADCAST,
                SO_RCVBUF,
                SO_SNDBUF,
                SO_REUSEADDR,
                IP_MULTICAST_LOOP_DISABLED,
                IP_MULTICAST_ADDR,
                IP_MULTICAST_IF,
                IP_MULTICAST_TTL,
                IP_TOS,
                ChannelOption.DATAGRAM_CHANNEL_ACTIVE_ON_REGISTRATION,
                IslaChannelOption.IP_TTL,
                IslaChannelOption.SO_REUSEPORT,
                IslaChannelOption.IPV6_V6ONLY,
                IslaChannelOption.IP_FREEBIND,
                IslaChannelOption.IP_MULTICAST_ALL,
                IslaChannelOption.IP_RECVORIGDSTADDR);
    }

    @Override
    @SuppressWarnings({"unchecked", "deprecation"})
    public <T> T getOption(ChannelOption<T> option) {
        if (option == SO_BROADCAST) {
            return (T) Boolean.valueOf(broadcast);
        }
        if (option == SO_RCVBUF) {
            return (T) Integer.valueOf(receiveBuffer);
        }
        if (option == SO_SNDBUF) {
            return (T) Integer.valueOf(sendBuffer);
        }
        if (option == SO_REUSEADDR) {
            return (T) Boolean.valueOf(reuseAddress);
        }
        if (option == IP_MULTICAST_LOOP_DISABLED) {
            return (T) Boolean.valueOf(loopbackModeDisabled);
        }
        if (option == IP_MULTICAST_ADDR) {
            return (T) getInterface();
        }
        if (option == IP_MULTICAST_IF) {
            return (T) networkInterface;
        }
        if (option == IP_MULTICAST_TTL) {
            return (T) Integer.valueOf(multicastHopLimit);
        }
        if (option == IP_TOS) {
            return (T) Integer.valueOf(trafficClass);
        }
        if (option == ChannelOption.DATAGRAM_CHANNEL_ACTIVE_ON_REGISTRATION) {
            return (T) Boolean.valueOf(activeOnRegistration);
        }
        if (option == IslaChannelOption.IP_TTL) {
            return (T) Integer.valueOf(hopLimit);
        }
        if (option == IslaChannelOption.SO_REUSEPORT) {
            return (T) Boolean.valueOf(reusePort);
        }
        if (option == IslaChannelOption.IPV6_V6ONLY) {
            return (T) Boolean.valueOf(v6Only);
        }
        if (option == IslaChannelOption.IP_FREEBIND) {
            return (T) Boolean.valueOf(freeBind);
        }
        if (option == IslaChannelOption.IP_MULTICAST_ALL) {
            return (T) Boolean.valueOf(multicastAll);
        }
        if (option == IslaChannelOption.IP_RECVORIGDSTADDR) {
            return (T) Boolean.valueOf(receiveOriginalDestination);
        }
        return super.getOption(option);
    }

    @Override
    @SuppressWarnings("deprecation")
    public <T> boolean setOption(ChannelOption<T> option, T value) {
        validate(option, value);
        if (option == SO_BROADCAST) {
            setBroadcast((Boolean) value);
        } else if (option == SO_RCVBUF) {
            setReceiveBufferSize((Integer) value);
        } else if (option == SO_SNDBUF) {
            setSendBufferSize((Integer) value);
        } else if (option == SO_REUSEADDR) {
            setReuseAddress((Boolean) value);
        } else if (option == IP_MULTICAST_LOOP_DISABLED) {
            setLoopbackModeDisabled((Boolean) value);
        } else if (option == IP_MULTICAST_ADDR) {
            setInterface((InetAddress) value);
        } else if (option == IP_MULTICAST_IF) {
            setNetworkInterface((NetworkInterface) value);
        } else if (option == IP_MULTICAST_TTL) {
            setTimeToLive((Integer) value);
        } else if (option == IP_TOS) {
            setTrafficClass((Integer) value);
        } else if (option == ChannelOption.DATAGRAM_CHANNEL_ACTIVE_ON_REGISTRATION) {
            setActiveOnRegistration((Boolean) value);
        } else if (option == IslaChannelOption.IP_TTL) {
            hopLimit = ObjectUtil.checkInRange((Integer) value, 1, 255, "IP_TTL");
            channel.configChanged();
        } else if (option == IslaChannelOption.SO_REUSEPORT) {
            setReusePort((Boolean) value);
        } else if (option == IslaChannelOption.IPV6_V6ONLY) {
            v6Only = (Boolean) value;
        } else if (option == IslaChannelOption.IP_FREEBIND) {
            freeBind = (Boolean) value;
        } else if (option == IslaChannelOption.IP_MULTICAST_ALL) {
            multicastAll = (Boolean) value;
            channel.configChanged();
        } else if (option == IslaChannelOption.IP_RECVORIGDSTADDR) {
            receiveOriginalDestination = (Boolean) value;
        } else {
            return super.setOption(option, value);
        }
        return true;
    }

    boolean isActiveOnRegistration() {
        return activeOnRegistration;
    }

    private void setActiveOnRegistration(boolean activeOnRegistration) {
        if (channel.isRegistered()) {
            throw new IllegalStateException("DATAGRAM_CHANNEL_ACTIVE_ON_REGISTRATION must be set before registration");
        }
        this.activeOnRegistration = activeOnRegistration;
    }

    boolean isV6Only() {
        return v6Only;
    }

    boolean isFreeBind() {
        return freeBind;
    }

    boolean isReceiveOriginalDestination() {
        return receiveOriginalDestination;
    }

    /** How many bytes may be sent in one turn of the event loop, each datagram counted with 256 bytes more than it has; what is written beyond that waits in the channel. */
    @Override
    public int getSendBufferSize() {
        return sendBuffer;
    }

    @Override
    public IslaDatagramChannelConfig setSendBufferSize(int sendBufferSize) {
        sendBuffer = ObjectUtil.checkPositive(sendBufferSize, "SO_SNDBUF");
        return this;
    }

    /** How many bytes may wait to be read, each datagram counted with 256 bytes more than it has. */
    @Override
    public int getReceiveBufferSize() {
        return receiveBuffer;
    }

    @Override
    public IslaDatagramChannelConfig setReceiveBufferSize(int receiveBufferSize) {
        receiveBuffer = ObjectUtil.checkPositive(receiveBufferSize, "SO_RCVBUF");
        channel.configChanged();
        return this;
    }

    /** The TOS or traffic class octet of what is sent, 0 to 255. */
    @Override
    public int getTrafficClass() {
        return trafficClass;
    }

    @Override
    public IslaDatagramChannelConfig setTrafficClass(int trafficClass) {
        this.trafficClass = ObjectUtil.checkInRange(trafficClass, 0, 255, "IP_TOS");
        channel.configChanged();
        return this;
    }

    /** Whether others that say so too may bind the port. Before binding. */
    @Override
    public boolean isReuseAddress() {
        return reuseAddress;
    }

    @Override
    public IslaDatagramChannelConfig setReuseAddress(boolean reuseAddress) {
        this.reuseAddress = reuseAddress;
        return this;
    }

    /** {@link IslaChannelOption#SO_REUSEPORT}: datagrams to one host are spread over the channels by their flow. */
    public boolean isReusePort() {
        return reusePort;
    }

    /** {@link IslaChannelOption#SO_REUSEPORT}. */
    public IslaDatagramChannelConfig setReusePort(boolean reusePort) {
        this.reusePort = reusePort;
        return this;
    }

    @Override
    public boolean isBroadcast() {
        return broadcast;
    }

    @Override
    public IslaDatagramChannelConfig setBroadcast(boolean broadcast) {
        this.broadcast = broadcast;
        channel.configChanged();
        return this;
    }

    /** Whether this host's own members of a group do not hear what this channel sends to it. */
    @Override
    public boolean isLoopbackModeDisabled() {
        return loopbackModeDisabled;
    }

    @Override
    public IslaDatagramChannelConfig setLoopbackModeDisabled(boolean loopbackModeDisabled) {
        this.loopbackModeDisabled = loopbackModeDisabled;
        channel.configChanged();
        return this;
    }

    /** The TTL or hop limit of what is sent to groups, 0 to 255; 1 unless set. */
    @Override
    public int getTimeToLive() {
        return multicastHopLimit;
    }

    @Override
    public IslaDatagramChannelConfig setTimeToLive(int ttl) {
        multicastHopLimit = ObjectUtil.checkInRange(ttl, 0, 255, "IP_MULTICAST_TTL");
        channel.configChanged();
        return this;
    }

    /** The address that was set, or one of the interface that was; {@code null} if neither was. */
    @Override
    public InetAddress getInterface() {
        NetworkInterface present = networkInterface;
        if (present == null) {
            return interfaceAddress;
        }
        Iterator<InetAddress> addresses = present.inetAddresses().iterator();
        return addresses.hasNext() ? addresses.next() : null;
    }

    /** Has no effect: a host has one interface. */
    @Override
    public IslaDatagramChannelConfig setInterface(InetAddress interfaceAddress) {
        this.interfaceAddress = interfaceAddress;
        networkInterface = null;
        return this;
    }

    /** What was set. */
    @Override
    public NetworkInterface getNetworkInterface() {
        return networkInterface;
    }

    /** Has no effect: a host has one interface. */
    @Override
    public IslaDatagramChannelConfig setNetworkInterface(NetworkInterface networkInterface) {
        this.networkInterface = networkInterface;
        return this;
    }

    // ------------------------------------------------------------------------------------------------ with this type

    @Override
    public IslaDatagramChannelConfig setConnectTimeoutMillis(int connectTimeoutMillis) {
        super.setConnectTimeoutMillis(connectTimeoutMillis);
        return this;
    }

    @Override
    @Deprecated
    public IslaDatagramChannelConfig setMaxMessagesPerRead(int maxMessagesPerRead) {
        super.setMaxMessagesPerRead(maxMessagesPerRead);
        return this;
    }

    @Override
    public IslaDatagramChannelConfig setMaxMessagesPerWrite(int maxMessagesPerWrite) {
        super.setMaxMessagesPerWrite(maxMessagesPerWrite);
        return this;
    }

    @Override
    public IslaDatagramChannelConfig setWriteSpinCount(int writeSpinCount) {
        super.setWriteSpinCount(writeSpinCount);
        return this;
    }

    @Override
    public IslaDatagramChannelConfig setAllocator(ByteBufAllocator allocator) {
        super.setAllocator(allocator);
        return this;
    }

    @Override
    public IslaDatagramChannelConfig setRecvByteBufAllocator(RecvByteBufAllocator allocator) {
        super.setRecvByteBufAllocator(allocator);
        return this;
    }

    @Override
    public IslaDatagramChannelConfig setAutoRead(boolean autoRead) {
        super.setAutoRead(autoRead);
        return this;
    }

    @Override
    public IslaDatagramChannelConfig setAutoClose(boolean autoClose) {
        super.setAutoClose(autoClose);
        return this;
    }

    @Override
    public IslaDatagramChannelConfig setMessageSizeEstimator(MessageSizeEstimator estimator) {
        super.setMessageSizeEstimator(estimator);
        return this;
    }

    @Override
    public IslaDatagramChannelConfig setWriteBufferWaterMark(WriteBufferWaterMark writeBufferWaterMark) {
        super.setWriteBufferWaterMark(writeBufferWaterMark);
        return this;
    }

    @Override
    @Deprecated
    public IslaDatagramChannelConfig setWriteBufferHighWaterMark(int writeBufferHighWaterMark) {
        super.setWriteBufferHighWaterMark(writeBufferHighWaterMark);
        return this;
    }

    @Override
    @Deprecated
    public IslaDatagramChannelConfig setWriteBufferLowWaterMark(int writeBufferLowWaterMark) {
        super.setWriteBufferLowWaterMark(writeBufferLowWaterMark);
        return this;
    }
}
