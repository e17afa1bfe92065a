/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import io.isla.netty.tcp.CongestionControls;
import io.isla.netty.tcp.TcpParameters;
import java.time.Duration;

/**
 * What holds for all TCP connections of a host, as {@code net.ipv4.tcp_*} does on Linux; where nothing is said here, what Linux has by default. Given to
 * {@link IslaHostBuilder#tcp}, and without effect afterwards. What can differ from connection to connection is a channel option. Not thread-safe.
 */
public final class TcpConfiguration {
    private final TcpParameters parameters = new TcpParameters();

    /** How explicit congestion notification (RFC 3168) is negotiated. */
    public enum Ecn {
        /** Never. */
        OFF,
        /** When the peer asks for it. */
        ACCEPT,
        /** Asked for, and accepted. */
        REQUEST
    }

    /** When the path MTU is looked for by probes (RFC 4821). */
    public enum MtuProbing {
        /** Never: ICMP errors alone tell it. */
        OFF,
        /** When full segments do not get through. */
        ON_BLACK_HOLE,
        /** On every connection. */
        ALWAYS
    }

    TcpConfiguration() {}

    TcpParameters parameters() {
        return parameters;
    }

    /**
     * The congestion control of connections that do not choose one with {@code IslaChannelOption.TCP_CONGESTION}.
     *
     * @param name {@code cubic} (the default) or {@code reno}
     * @throws IllegalArgumentException if there is none of this name; the message says which there are
     */
    public TcpConfiguration congestionControl(String name) {
        if (name == null || !CongestionControls.isKnown(name)) {
            throw new IllegalArgumentException("congestionControl: unknown congestion control '" + name
                    + "'; there is: " + CongestionControls.names());
        }
        parameters.congestionControl = name;
        return this;
    }

    /** How ECN is negotiated; by default it is accepted. */
    public TcpConfiguration ecn(Ecn ecn) {
        parameters.ecn = TcpParameters.Ecn.valueOf(ecn.name());
        return this;
    }

    /** When the path MTU is looked for by probes; by default, on a black hole. */
    public TcpConfiguration mtuProbing(MtuProbing mtuProbing) {
        parameters.mtuProbing = TcpParameters.MtuProbing.valueOf(mtuProbing.name());
        return this;
    }

    /**
     * The least retransmission timeout (RFC 6298 §2.4); by default 200 ms.
     *
     * @param timeout above zero, at most 120 s
     */
    public TcpConfiguration minRetransmissionTimeout(Duration timeout) {
        parameters.minRto = positive("minRetransmissionTimeout", timeout, parameters.maxRto);
        return this;
    }

    /**
     * The retransmission timeout before a round trip was measured (RFC 6298 §2.1), for SYNs above all; by default 1 s.
     *
     * @param timeout above zero, at most 120 s
     */
    public TcpConfiguration initialRetransmissionTimeout(Duration timeout) {
        parameters.initialRto = positive("initialRetransmissionTimeout", timeout, parameters.maxRto);
        return this;
    }

    /**
     * How long TIME-WAIT lasts; by default 60 s.
     *
     * @param time above zero, at most 10 minutes
     */
    public TcpConfiguration timeWait(Duration time) {
        parameters.timeWait = positive("timeWait", time, Duration.ofMinutes(10).toNanos());
        return this;
    }

    /**
     * The receive buffers of connections that do not set {@code SO_RCVBUF}: they grow by themselves, with what is read in a round trip.
     *
     * @param first bytes at first, by default 128 KiB
     * @param most bytes at most, by default 32 MiB; not less, and at most 1 GiB
     */
    public TcpConfiguration receiveBuffer(int first, int most) {
        buffer("receiveBuffer", first, most);
        parameters.defaultReceiveBuffer = first;
        parameters.maxReceiveBuffer = most;
        return this;
    }

    /**
     * The send buffers of connections that do not set {@code SO_SNDBUF}: they grow by themselves, with the congestion window, as far as
     * the path can hold that much: 12,500 bytes for each microsecond of the shortest round trip (100 Gbit/s), but no less than 768 KiB. What they hold that is not sent yet is 512 KiB at most, or
     * as much as is in flight.
     *
     * @param first bytes at first, by default 128 KiB
     * @param most bytes at most, by default 32 MiB; not less, and at most 1 GiB
     */
    public TcpConfiguration sendBuffer(int first, int most) {
        buffer("sendBuffer", first, most);
        parameters.defaultSendBuffer = first;
        parameters.maxSendBuffer = most;
        return this;
    }

    /**
     * Segments in the initial window (RFC 6928); by default 10.
     *
     * @param segments at least 1, at most 1000
     */
    public TcpConfiguration initialWindow(int segments) {
        parameters.initialWindow = between("initialWindow", segments, 1, 1000);
        return this;
    }

    /** Whether the congestion window falls back after idle (RFC 5681 §4.1); by default it does. */
    public TcpConfiguration slowStartAfterIdle(boolean on) {
        parameters.slowStartAfterIdle = on;
        return this;
    }

    /** Whether timestamps are offered and accepted (RFC 7323); by default they are. */
    public TcpConfiguration timestamps(boolean on) {
        parameters.timestamps = on;
        return this;
    }

    /** Whether selective acknowledgements are offered and accepted (RFC 2018); by default they are. */
    public TcpConfiguration selectiveAcknowledgements(boolean on) {
        parameters.sack = on;
        return this;
    }

    /** Whether window scaling is offered and accepted (RFC 7323); by default it is. */
    public TcpConfiguration windowScaling(boolean on) {
        parameters.windowScaling = on;
        return this;
    }

    /** Whether SYNs are answered with cookies when the SYN queue is full (RFC 4987 §3.6); by default they are. */
    public TcpConfiguration synCookies(boolean on) {
        parameters.synCookies = on;
        return this;
    }

    /**
     * The most connections of one listener, on one event loop, whose handshake is not complete; by default 1024. The listener's backlog is another limit.
     *
     * @param connections at least 8
     */
    public TcpConfiguration maxSynBacklog(int connections) {
        parameters.maxSynBacklog = between("maxSynBacklog", connections, 8, 1 << 20);
        return this;
    }

    /**
     * The ports that outgoing connections are given; by default 32768 to 60999. The last sixteenth of them is for event loops that have just started, and for hosts that
     * have only one.
     *
     * @param first 1 to 65535
     * @param last at least {@code first}, at most 65535
     */
    public TcpConfiguration ephemeralPorts(int first, int last) {
        between("ephemeralPorts", first, 1, last);
        between("ephemeralPorts", last, first, 0xffff);
        parameters.firstEphemeralPort = first;
        parameters.lastEphemeralPort = last;
        return this;
    }

    /**
     * How often a SYN is sent again before connecting fails, unless {@code CONNECT_TIMEOUT_MILLIS} ends it before; by default 7 times.
     *
     * @param retries 0 to 127
     */
    public TcpConfiguration synRetries(int retries) {
        parameters.synRetries = between("synRetries", retries, 0, 127);
        return this;
    }

    /**
     * R2 (RFC 9293 §3.8.3): how often data is sent again before a connection fails; by default 15 times, some 15 minutes.
     *
     * @param retries 1 to 255
     */
    public TcpConfiguration retries(int retries) {
        parameters.retries2 = between("retries", retries, 1, 255);
        return this;
    }

    private static void buffer(String name, int first, int most) {
        between(name, first, 1, most);
        between(name, most, first, 1 << 30);
    }

    private static int between(String name, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(name + ": " + value + " is not in " + least + " to " + most);
        }
        return value;
    }

    private static long positive(String name, Duration value, long most) {
        if (value.isZero() || value.isNegative() || value.compareTo(Duration.ofNanos(most)) > 0) {
            throw new IllegalArgumentException(
                    name + ": " + value + " is not above zero and at most " + Duration.ofNanos(most));
        }
        return value.toNanos();
    }
}
