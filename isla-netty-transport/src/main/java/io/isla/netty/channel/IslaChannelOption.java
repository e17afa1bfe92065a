/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.EpollChannelOption;

/**
 * Options of Isla's channels beyond those of {@link ChannelOption}. What Netty's epoll transport has too are its very constants, so that a program may as
 * well go on to name {@link EpollChannelOption}; the others have the names that {@code tcp(7)}, {@code ip(7)} and {@code ipv6(7)} give them.
 */
public final class IslaChannelOption<T> extends ChannelOption<T> {
    /** Whether only full segments are sent, until this is switched off or 200 ms have passed. */
    public static final ChannelOption<Boolean> TCP_CORK = EpollChannelOption.TCP_CORK;

    /** How many unsent bytes the send buffer may hold before more are taken from the channel; 0, the default: as many as fit. */
    public static final ChannelOption<Long> TCP_NOTSENT_LOWAT = EpollChannelOption.TCP_NOTSENT_LOWAT;

    /** Seconds without traffic before the first keep-alive probe; 7,200 unless set. */
    public static final ChannelOption<Integer> TCP_KEEPIDLE = EpollChannelOption.TCP_KEEPIDLE;

    /** Seconds between keep-alive probes; 75 unless set. */
    public static final ChannelOption<Integer> TCP_KEEPINTVL = EpollChannelOption.TCP_KEEPINTVL;

    /** Keep-alive probes without an answer after which the connection fails; 9 unless set. */
    public static final ChannelOption<Integer> TCP_KEEPCNT = EpollChannelOption.TCP_KEEPCNT;

    /** Milliseconds that data may stay unacknowledged before the connection fails (RFC 5482); 0, the default: as the retransmissions take. */
    public static final ChannelOption<Integer> TCP_USER_TIMEOUT = EpollChannelOption.TCP_USER_TIMEOUT;

    /** Whether every segment is acknowledged at once. */
    public static final ChannelOption<Boolean> TCP_QUICKACK = EpollChannelOption.TCP_QUICKACK;

    /** The most payload bytes in a segment, both ways, 88 to 65,495; 0, the default: as the path's MTU allows. Before connecting or binding. */
    public static final ChannelOption<Integer> TCP_MAXSEG = valueOf(IslaChannelOption.class, "TCP_MAXSEG");

    /** How often a SYN is sent again before the connection attempt fails, 1 to 127. Before connecting. */
    public static final ChannelOption<Integer> TCP_SYNCNT = valueOf(IslaChannelOption.class, "TCP_SYNCNT");

    /** The name of the congestion control algorithm. */
    public static final ChannelOption<String> TCP_CONGESTION = valueOf(IslaChannelOption.class, "TCP_CONGESTION");

    /** Whether soft errors are told by an {@link IslaErrorReportEvent} (RFC 9293 SHLD-20); on unless switched off. */
    public static final ChannelOption<Boolean> TCP_ERROR_REPORT = valueOf(IslaChannelOption.class, "TCP_ERROR_REPORT");

    /** The TTL of IPv4 packets and the hop limit of IPv6 ones, 1 to 255; 64 unless set. */
    public static final ChannelOption<Integer> IP_TTL = valueOf(IslaChannelOption.class, "IP_TTL");

    /** Whether several server channels may listen on the same address and port; connections are spread over them. Before binding. */
    public static final ChannelOption<Boolean> SO_REUSEPORT = EpollChannelOption.SO_REUSEPORT;

    /** Whether a server channel or datagram channel on {@code ::} leaves IPv4 alone: it hears nothing of it, and sends nothing. Before binding. */
    public static final ChannelOption<Boolean> IPV6_V6ONLY = valueOf(IslaChannelOption.class, "IPV6_V6ONLY");

    /** Whether an address may be bound that is none of this host's, or not yet. Before binding. */
    public static final ChannelOption<Boolean> IP_FREEBIND = EpollChannelOption.IP_FREEBIND;

    /** Whether binding a connecting channel to port 0 leaves the choice of the port to the connect. Before binding. */
    public static final ChannelOption<Boolean> IP_BIND_ADDRESS_NO_PORT = EpollChannelOption.IP_BIND_ADDRESS_NO_PORT;

    /** Whether a datagram channel hears all groups that any channel of the host has joined; by default, only its own. */
    public static final ChannelOption<Boolean> IP_MULTICAST_ALL = EpollChannelOption.IP_MULTICAST_ALL;

    /**
     * Whether the recipient of a datagram that was received is the address that it was really sent to, such as a group; by default, it is the local address
     * of the channel.
     */
    public static final ChannelOption<Boolean> IP_RECVORIGDSTADDR = EpollChannelOption.IP_RECVORIGDSTADDR;

    /** Seconds that connections wait for their first data before they are accepted without any, as they also are when their loop ends; 0, the default: not at all. */
    public static final ChannelOption<Integer> TCP_DEFER_ACCEPT = EpollChannelOption.TCP_DEFER_ACCEPT;

    /**
     * Whether a server channel takes connections to addresses that are not the host's own, as the end of a tunnel does: bound to {@code 0.0.0.0} or {@code ::}, to
     * all addresses whose packets reach the host; bound to another address, to that. An accepted channel's local address is the one that the client has dialled.
     * Not set unless it is. Before binding.
     *
     * <p>While the channel is open, and connections that it has accepted live on, the host accepts all packets to such addresses: it answers pings for them, and says that
     * nobody listens where nobody does. It does not answer for them when neighbours look for them; packets have to be routed to it.
     */
    public static final ChannelOption<Boolean> IP_TRANSPARENT = EpollChannelOption.IP_TRANSPARENT;

    /**
     * Whether a server channel that is bound to port 0 takes connections to all ports that no other server channel has, instead of choosing one. An accepted channel's
     * local port is the one that the client has dialled. Not set unless it is. Before binding.
     */
    public static final ChannelOption<Boolean> ANY_PORT = valueOf(IslaChannelOption.class, "ANY_PORT");

    /**
     * Who decides about requests for connections to a server channel before they are answered; {@code null}, the default, for all to be accepted. With a handler there are
     * no SYN cookies, and no data in SYNs (TCP Fast Open). Before binding.
     */
    public static final ChannelOption<IslaSynHandler> SYN_HANDLER = valueOf(IslaChannelOption.class, "SYN_HANDLER");

    @SuppressWarnings("deprecation")
    private IslaChannelOption() {
        super(null);
    }
}
