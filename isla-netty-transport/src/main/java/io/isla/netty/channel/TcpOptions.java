/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.stack.Shard;
import io.isla.netty.tcp.CongestionControls;
import io.isla.netty.tcp.TcpParameters;
import io.isla.netty.tcp.TcpSettings;
import io.netty.channel.ChannelOption;
import io.netty.util.internal.ObjectUtil;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Function;

/** The channel options that are TCP settings, with what they take. A server channel has them too: its accepted channels start with them. */
final class TcpOptions {
    private static final TcpParameters DEFAULTS = new TcpParameters();
    private static final int MAX_KEEPALIVE_SECONDS = 32_767;
    private static final int MAX_PROBES = 127;
    private static final int MIN_MSS = 88;
    private static final int MAX_MSS = 0xffff - 40;

    private static final Map<ChannelOption<?>, Access<?>> ALL = new LinkedHashMap<>();

    static {
        add(ChannelOption.TCP_NODELAY, TcpSettings::noDelay, TcpSettings::noDelay);
        add(ChannelOption.SO_KEEPALIVE, TcpSettings::keepAlive, TcpSettings::keepAlive);
        addInt(ChannelOption.IP_TOS, 0, 255, TcpSettings::trafficClass, TcpSettings::trafficClass);
        add(ChannelOption.TCP_FASTOPEN_CONNECT, TcpSettings::fastOpenConnect, TcpSettings::fastOpenConnect);
        add(IslaChannelOption.TCP_CORK, TcpSettings::cork, TcpSettings::cork);
        add(IslaChannelOption.TCP_QUICKACK, TcpSettings::quickAck, TcpSettings::quickAck);
        add(IslaChannelOption.TCP_NOTSENT_LOWAT, s -> (long) s.notSentLowWater(), TcpOptions::notSentLowWater);
        addInt(
                IslaChannelOption.TCP_KEEPIDLE,
                1,
                MAX_KEEPALIVE_SECONDS,
                TcpSettings::keepIdleSeconds,
                TcpSettings::keepIdleSeconds);
        addInt(
                IslaChannelOption.TCP_KEEPINTVL,
                1,
                MAX_KEEPALIVE_SECONDS,
                TcpSettings::keepIntervalSeconds,
                TcpSettings::keepIntervalSeconds);
        addInt(IslaChannelOption.TCP_KEEPCNT, 1, MAX_PROBES, TcpSettings::keepCount, TcpSettings::keepCount);
        addInt(
                IslaChannelOption.TCP_USER_TIMEOUT,
                0,
                Integer.MAX_VALUE,
                TcpSettings::userTimeoutMillis,
                TcpSettings::userTimeoutMillis);
        add(IslaChannelOption.TCP_MAXSEG, TcpSettings::maxSegmentSize, TcpOptions::maxSegmentSize);
        addByHost(
                IslaChannelOption.TCP_SYNCNT,
                TcpOptions::synRetries,
                (s, value) -> s.synRetries(checked(IslaChannelOption.TCP_SYNCNT, value, 1, MAX_PROBES)));
        addByHost(IslaChannelOption.TCP_CONGESTION, TcpOptions::congestionControl, TcpOptions::congestionControl);
        addInt(IslaChannelOption.IP_TTL, 1, 255, TcpSettings::hopLimit, TcpSettings::hopLimit);
    }

    /** Those that only mean something to who connects. */
    private static final Set<ChannelOption<?>> OF_CONNECTING =
            Set.of(ChannelOption.TCP_FASTOPEN_CONNECT, IslaChannelOption.TCP_SYNCNT);

    /** The getter is given what holds for the host, too: for what the settings leave to it. */
    private record Access<T>(BiFunction<TcpSettings, TcpParameters, T> getter, BiConsumer<TcpSettings, T> setter) {}

    private TcpOptions() {}

    private static <T> void add(
            ChannelOption<T> option, Function<TcpSettings, T> getter, BiConsumer<TcpSettings, T> setter) {
        addByHost(option, (s, host) -> getter.apply(s), setter);
    }

    /** Adds one for which the host has a default that its user may have set. */
    private static <T> void addByHost(
            ChannelOption<T> option,
            BiFunction<TcpSettings, TcpParameters, T> getter,
            BiConsumer<TcpSettings, T> setter) {
        ALL.put(option, new Access<>(getter, setter));
    }

    private static void addInt(
            ChannelOption<Integer> option,
            int min,
            int max,
            Function<TcpSettings, Integer> getter,
            BiConsumer<TcpSettings, Integer> setter) {
        add(option, getter, (s, value) -> setter.accept(s, checked(option, value, min, max)));
    }

    /** The options there are. */
    static ChannelOption<?>[] all() {
        return ALL.keySet().toArray(ChannelOption<?>[]::new);
    }

    /** The options that accepted connections may start with. */
    static ChannelOption<?>[] ofAccepting() {
        return ALL.keySet().stream().filter(TcpOptions::isOfAccepting).toArray(ChannelOption<?>[]::new);
    }

    /** Whether accepted connections may start with an option. */
    static boolean isOfAccepting(ChannelOption<?> option) {
        return ALL.containsKey(option) && !OF_CONNECTING.contains(option);
    }

    /**
     * The value of an option, or {@code null} if it is none of these.
     *
     * @param host what is in force where the settings say nothing
     */
    @SuppressWarnings("unchecked")
    static <T> T get(TcpSettingsHolder settings, TcpParameters host, ChannelOption<T> option) {
        Access<T> access = (Access<T>) ALL.get(option);
        return access == null ? null : settings.get(s -> access.getter.apply(s, host));
    }

    /** What holds for the connections of a shard's host; that of any host by default, as long as the shard is not known and {@code null}. Any thread. */
    static TcpParameters parameters(Shard shard) {
        return shard == null ? DEFAULTS : shard.host().configuration().tcp();
    }

    /**
     * Sets an option.
     *
     * @return whether it is one of these
     * @throws IllegalArgumentException if it does not take the value
     */
    @SuppressWarnings("unchecked")
    static <T> boolean set(TcpSettingsHolder settings, ChannelOption<T> option, T value) {
        Access<T> access = (Access<T>) ALL.get(option);
        if (access == null) {
            return false;
        }
        settings.set(s -> access.setter.accept(s, value));
        return true;
    }

    static int checked(ChannelOption<?> option, int value, int min, int max) {
        String name = option.name();
        return ObjectUtil.checkInRange(value, min, max, name.substring(name.indexOf('#') + 1));
    }

    private static void notSentLowWater(TcpSettings settings, long bytes) {
        ObjectUtil.checkPositiveOrZero(bytes, "TCP_NOTSENT_LOWAT");
        settings.notSentLowWater((int) Math.min(bytes, Integer.MAX_VALUE));
    }

    private static void maxSegmentSize(TcpSettings settings, int bytes) {
        settings.maxSegmentSize(bytes == 0 ? 0 : checked(IslaChannelOption.TCP_MAXSEG, bytes, MIN_MSS, MAX_MSS));
    }

    private static int synRetries(TcpSettings settings, TcpParameters host) {
        return settings.synRetries() >= 0 ? settings.synRetries() : host.synRetries;
    }

    private static String congestionControl(TcpSettings settings, TcpParameters host) {
        return settings.congestionControl() != null ? settings.congestionControl() : host.congestionControl;
    }

    private static void congestionControl(TcpSettings settings, String name) {
        if (!CongestionControls.isKnown(name)) {
            throw new IllegalArgumentException("TCP_CONGESTION: unknown algorithm '" + name + "' (expected one of: "
                    + CongestionControls.names() + ")");
        }
        settings.congestionControl(name);
    }
}
