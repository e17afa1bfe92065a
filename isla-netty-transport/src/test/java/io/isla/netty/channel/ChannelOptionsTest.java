/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.unix.IntegerUnixChannelOption;
import java.io.IOException;
import java.lang.reflect.Field;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Which options there are, and what is said of others and of bad values. What they do is for {@link OptionEffectsTest} and others. */
class ChannelOptionsTest {
    private static final Path DOCUMENT = Path.of("..", "docs", "netty-contract.md");

    /** Options of Netty's core and of its epoll transport that no channel of ours has: the document says why. */
    private static final Set<String> WITHOUT_A_MEANING_HERE = Set.of(
            "SO_TIMEOUT",
            "DOMAIN_SOCKET_READ_MODE",
            "EPOLL_MODE",
            "MAX_DATAGRAM_PAYLOAD_SIZE",
            "SO_BUSY_POLL",
            "TCP_MD5SIG",
            "UDP_GRO");

    private static final Map<String, Supplier<Channel>> CHANNELS = new LinkedHashMap<>();

    static {
        CHANNELS.put("socket", IslaSocketChannel::new);
        CHANNELS.put("server", IslaServerSocketChannel::new);
        CHANNELS.put("datagram", IslaDatagramChannel::new);
    }

    static Stream<String> kinds() {
        return CHANNELS.keySet().stream();
    }

    private static Channel channel(String kind) {
        return CHANNELS.get(kind).get();
    }

    private static String name(ChannelOption<?> option) {
        return option.name().substring(option.name().indexOf('#') + 1);
    }

    private static Set<String> options(String kind) {
        return channel(kind).config().getOptions().keySet().stream()
                .map(ChannelOptionsTest::name)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** The constants of Netty's core and of its epoll transport, by name. */
    private static Map<String, ChannelOption<?>> nettys() throws IllegalAccessException {
        Map<String, ChannelOption<?>> options = new TreeMap<>();
        for (Field field : EpollChannelOption.class.getFields()) {
            if (ChannelOption.class.isAssignableFrom(field.getType())) {
                ChannelOption<?> option = (ChannelOption<?>) field.get(null);
                options.put(name(option), option);
            }
        }
        return options;
    }

    @Test
    void itIsDecidedOfEveryOptionOfNettysWhetherItHasAMeaningHere() throws Exception {
        Set<String> ours = new TreeSet<>(WITHOUT_A_MEANING_HERE);
        kinds().forEach(kind -> ours.addAll(options(kind)));

        assertThat(nettys()).hasSizeGreaterThan(40);
        assertThat(ours).containsAll(nettys().keySet());
        assertThat(nettys().keySet()).containsAll(WITHOUT_A_MEANING_HERE);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void theConstantsAreNettysOwn(String kind) throws Exception {
        Map<String, ChannelOption<?>> nettys = nettys();
        for (ChannelOption<?> option : channel(kind).config().getOptions().keySet()) {
            ChannelOption<?> known = nettys.get(name(option));
            if (known != null) {
                assertThat((Object) option).isSameAs(known);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void anOptionThatAChannelDoesNotHaveIsRefusedByReturningFalse(String kind) throws Exception {
        Channel channel = channel(kind);
        Set<ChannelOption<?>> has = channel.config().getOptions().keySet();
        Map<String, ChannelOption<?>> all = new TreeMap<>(nettys());
        all.put("raw", new IntegerUnixChannelOption("raw", 1, 2));
        all.put("unknown", ChannelOption.valueOf("io.isla.unknown"));
        for (ChannelOption<?> option : all.values()) {
            if (!has.contains(option)) {
                assertThat(set(channel, option, 1)).as(option.name()).isFalse();
                assertThat((Object) channel.config().getOption(option)).isNull();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void everyOptionThatIsListedCanBeReadAndSetToWhatItIs(String kind) throws Exception {
        Channel channel = channel(kind);
        Map<ChannelOption<?>, Object> options = channel.config().getOptions();
        Map<String, String> before = texts(channel);
        for (Map.Entry<ChannelOption<?>, Object> entry : options.entrySet()) {
            assertThat(String.valueOf(channel.config().<Object>getOption(any(entry.getKey()))))
                    .isEqualTo(String.valueOf(entry.getValue()));
            if (entry.getValue() != null) {
                assertThat(set(channel, entry.getKey(), entry.getValue()))
                        .as(entry.getKey().name())
                        .isTrue();
            }
        }
        assertThat(texts(channel)).isEqualTo(before);
    }

    /** The values as text: some of Netty's do not know when they are equal. */
    private static Map<String, String> texts(Channel channel) {
        Map<String, String> texts = new TreeMap<>();
        channel.config().getOptions().forEach((option, value) -> texts.put(option.name(), String.valueOf(value)));
        return texts;
    }

    private static boolean set(Channel channel, ChannelOption<?> option, Object value) {
        return channel.config().setOption(any(option), value);
    }

    @SuppressWarnings("unchecked")
    private static ChannelOption<Object> any(ChannelOption<?> option) {
        return (ChannelOption<Object>) option;
    }

    static Stream<Arguments> values() throws Exception {
        NetworkInterface loopback = NetworkInterface.getByInetAddress(InetAddress.getLoopbackAddress());
        Map<ChannelOption<?>, Object> values = new LinkedHashMap<>();
        for (ChannelOption<Boolean> option : List.of(
                ChannelOption.ALLOW_HALF_CLOSURE,
                ChannelOption.AUTO_READ,
                ChannelOption.AUTO_CLOSE,
                ChannelOption.SO_KEEPALIVE,
                ChannelOption.SO_REUSEADDR,
                ChannelOption.SO_BROADCAST,
                ChannelOption.TCP_NODELAY,
                ChannelOption.TCP_FASTOPEN_CONNECT,
                ChannelOption.IP_MULTICAST_LOOP_DISABLED,
                IslaChannelOption.TCP_CORK,
                IslaChannelOption.TCP_QUICKACK,
                IslaChannelOption.TCP_ERROR_REPORT,
                IslaChannelOption.SO_REUSEPORT,
                IslaChannelOption.IPV6_V6ONLY,
                IslaChannelOption.IP_FREEBIND,
                IslaChannelOption.IP_BIND_ADDRESS_NO_PORT,
                IslaChannelOption.IP_MULTICAST_ALL,
                IslaChannelOption.IP_RECVORIGDSTADDR)) {
            values.put(option, null);
        }
        for (ChannelOption<Integer> option : List.of(
                ChannelOption.CONNECT_TIMEOUT_MILLIS,
                ChannelOption.WRITE_SPIN_COUNT,
                ChannelOption.SO_SNDBUF,
                ChannelOption.SO_RCVBUF,
                ChannelOption.SO_LINGER,
                ChannelOption.SO_BACKLOG,
                ChannelOption.IP_TOS,
                ChannelOption.IP_MULTICAST_TTL,
                ChannelOption.TCP_FASTOPEN,
                IslaChannelOption.TCP_KEEPIDLE,
                IslaChannelOption.TCP_KEEPINTVL,
                IslaChannelOption.TCP_KEEPCNT,
                IslaChannelOption.TCP_USER_TIMEOUT,
                IslaChannelOption.TCP_SYNCNT,
                IslaChannelOption.TCP_DEFER_ACCEPT,
                IslaChannelOption.IP_TTL)) {
            values.put(option, 101);
        }
        values.put(IslaChannelOption.TCP_MAXSEG, 1_000);
        values.put(IslaChannelOption.TCP_NOTSENT_LOWAT, 5_000L);
        values.put(IslaChannelOption.TCP_CONGESTION, "reno");
        values.put(ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(10, 20));
        values.put(ChannelOption.IP_MULTICAST_IF, loopback);
        values.put(ChannelOption.IP_MULTICAST_ADDR, InetAddress.getLoopbackAddress());
        return kinds().flatMap(kind -> values.entrySet().stream()
                .filter(entry -> channel(kind).config().getOptions().containsKey(entry.getKey()))
                .map(entry -> Arguments.of(kind, entry.getKey(), entry.getValue())));
    }

    /** A {@code null} value stands for the contrary of what the option is. */
    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("values")
    void whatIsSetIsWhatIsRead(String kind, ChannelOption<?> option, Object value) {
        Channel channel = channel(kind);
        Object other =
                value != null ? value : (Object) !(Boolean) channel.config().getOption(option);

        assertThat(set(channel, option, other)).isTrue();

        assertThat((Object) channel.config().getOption(option)).isEqualTo(other);
        assertThat(channel.config().getOptions().get(option)).isEqualTo(other);
    }

    static Stream<Arguments> badValues() {
        return Stream.of(
                Arguments.of("socket", ChannelOption.SO_SNDBUF, 0),
                Arguments.of("socket", ChannelOption.SO_RCVBUF, 0),
                Arguments.of("socket", ChannelOption.IP_TOS, 256),
                Arguments.of("socket", ChannelOption.IP_TOS, -1),
                Arguments.of("socket", IslaChannelOption.IP_TTL, 0),
                Arguments.of("socket", IslaChannelOption.IP_TTL, 256),
                Arguments.of("socket", IslaChannelOption.TCP_KEEPIDLE, 0),
                Arguments.of("socket", IslaChannelOption.TCP_KEEPINTVL, 0),
                Arguments.of("socket", IslaChannelOption.TCP_KEEPCNT, 128),
                Arguments.of("socket", IslaChannelOption.TCP_USER_TIMEOUT, -1),
                Arguments.of("socket", IslaChannelOption.TCP_SYNCNT, 0),
                Arguments.of("socket", IslaChannelOption.TCP_MAXSEG, 87),
                Arguments.of("socket", IslaChannelOption.TCP_NOTSENT_LOWAT, -1L),
                Arguments.of("socket", IslaChannelOption.TCP_CONGESTION, "luck"),
                Arguments.of("server", ChannelOption.SO_BACKLOG, -1),
                Arguments.of("server", ChannelOption.SO_RCVBUF, -1),
                Arguments.of("server", ChannelOption.TCP_FASTOPEN, -1),
                Arguments.of("server", IslaChannelOption.TCP_DEFER_ACCEPT, -1),
                Arguments.of("server", IslaChannelOption.TCP_CONGESTION, ""),
                Arguments.of("datagram", ChannelOption.SO_SNDBUF, 0),
                Arguments.of("datagram", ChannelOption.SO_RCVBUF, 0),
                Arguments.of("datagram", ChannelOption.IP_TOS, 256),
                Arguments.of("datagram", ChannelOption.IP_MULTICAST_TTL, 256),
                Arguments.of("datagram", IslaChannelOption.IP_TTL, 0));
    }

    @ParameterizedTest(name = "{0}: {1} = {2}")
    @MethodSource("badValues")
    void aBadValueIsAnIllegalArgumentThatNamesTheOption(String kind, ChannelOption<?> option, Object value) {
        Channel channel = channel(kind);
        Map<String, String> before = texts(channel);

        assertThatThrownBy(() -> set(channel, option, value))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(name(option))
                .hasMessageContaining(String.valueOf(value));

        assertThat(texts(channel)).isEqualTo(before);
    }

    // ------------------------------------------------------------------------------------------------ the document

    private static final Pattern CODE = Pattern.compile("`([A-Z0-9_]+)`");

    /** The rows of a table of the document: the cells of those whose first one names options. */
    private static List<String[]> rows(String heading) throws IOException {
        List<String> lines = Files.readAllLines(DOCUMENT);
        int start = lines.indexOf(heading);
        assertThat(start).as("the heading '%s' in %s", heading, DOCUMENT).isNotNegative();
        return lines.stream()
                .skip(start + 1L)
                .takeWhile(line -> !line.startsWith("#"))
                .filter(line -> line.startsWith("| `"))
                .map(line -> line.split("\\|", -1))
                .toList();
    }

    private static Set<String> names(String cell) {
        Set<String> names = new TreeSet<>();
        Matcher matcher = CODE.matcher(cell);
        while (matcher.find()) {
            names.add(matcher.group(1));
        }
        return names;
    }

    @Test
    void theDocumentSaysWhichChannelHasWhichOptions() throws Exception {
        int column = 2;
        for (String kind : CHANNELS.keySet()) {
            Set<String> documented = new TreeSet<>();
            for (String[] row : rows("## Options")) {
                if (row[column].strip().equals("yes")) {
                    documented.addAll(names(row[1]));
                }
            }
            assertThat(documented).as(kind).isEqualTo(options(kind));
            column++;
        }
    }

    @Test
    void theDocumentSaysWhichOptionsHaveNoMeaningHere() throws Exception {
        Set<String> documented = new TreeSet<>();
        for (String[] row : rows("### Options of Netty without a meaning here")) {
            documented.addAll(names(row[1]));
        }
        assertThat(documented).isEqualTo(new TreeSet<>(WITHOUT_A_MEANING_HERE));
    }
}
