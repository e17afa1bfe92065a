/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.MemoryLink;
import io.isla.netty.testing.LogWatch;
import io.netty.bootstrap.AbstractBootstrap;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
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
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
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

    /** What no channel takes, of every option that has numbers or a text for values. */
    private static final Map<String, List<Object>> BAD_VALUES = new TreeMap<>();

    static {
        BAD_VALUES.put("CONNECT_TIMEOUT_MILLIS", List.of(-1));
        BAD_VALUES.put("WRITE_SPIN_COUNT", List.of(0, -1));
        BAD_VALUES.put("MAX_MESSAGES_PER_READ", List.of(0, -1));
        BAD_VALUES.put("MAX_MESSAGES_PER_WRITE", List.of(0, -1));
        BAD_VALUES.put("WRITE_BUFFER_HIGH_WATER_MARK", List.of(-1));
        BAD_VALUES.put("WRITE_BUFFER_LOW_WATER_MARK", List.of(-1, Integer.MAX_VALUE));
        BAD_VALUES.put("SO_SNDBUF", List.of(0, -1));
        BAD_VALUES.put("SO_RCVBUF", List.of(0, -1));
        BAD_VALUES.put("SO_BACKLOG", List.of(-1));
        BAD_VALUES.put("IP_TOS", List.of(256, -1));
        BAD_VALUES.put("IP_TTL", List.of(0, 256));
        BAD_VALUES.put("IP_MULTICAST_TTL", List.of(-1, 256));
        BAD_VALUES.put("TCP_KEEPIDLE", List.of(0, 32_768));
        BAD_VALUES.put("TCP_KEEPINTVL", List.of(0, 32_768));
        BAD_VALUES.put("TCP_KEEPCNT", List.of(0, 128));
        BAD_VALUES.put("TCP_USER_TIMEOUT", List.of(-1));
        BAD_VALUES.put("TCP_SYNCNT", List.of(0, 128));
        BAD_VALUES.put("TCP_MAXSEG", List.of(-1, 87, 65_536));
        BAD_VALUES.put("TCP_NOTSENT_LOWAT", List.of(-1L));
        BAD_VALUES.put("TCP_CONGESTION", List.of("luck", ""));
        BAD_VALUES.put("TCP_FASTOPEN", List.of(-1));
        BAD_VALUES.put("TCP_DEFER_ACCEPT", List.of(-1));
    }

    /** Options of which every number means something: less than 0 is off. */
    private static final Set<String> ALL_NUMBERS = Set.of("SO_LINGER");

    static Stream<Arguments> badValues() {
        return kinds().flatMap(kind -> channel(kind).config().getOptions().keySet().stream()
                .flatMap(option -> BAD_VALUES.getOrDefault(name(option), List.of()).stream()
                        .map(value -> Arguments.of(kind, option, value))));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void thereIsABadValueToTryOfEveryOptionThatHasNumbersOrATextForValues(String kind) {
        channel(kind).config().getOptions().forEach((option, value) -> {
            if (value instanceof Number || value instanceof String) {
                assertThat(BAD_VALUES.containsKey(name(option)) || ALL_NUMBERS.contains(name(option)))
                        .as(name(option))
                        .isTrue();
            }
        });
    }

    @ParameterizedTest(name = "{0}: {1} = {2}")
    @MethodSource("badValues")
    void aBadValueIsAnIllegalArgumentThatNamesTheOption(String kind, ChannelOption<?> option, Object value) {
        Channel channel = channel(kind);
        Map<String, String> before = texts(channel);

        assertThatThrownBy(() -> set(channel, option, value))
                .isInstanceOf(IllegalArgumentException.class)
                .satisfies(
                        refusal -> assertThat(withoutCase(refusal.getMessage())).contains(withoutCase(name(option))))
                .hasMessageContaining(String.valueOf(value));

        assertThat(texts(channel)).isEqualTo(before);
    }

    /** Netty's own options are named as properties are. */
    private static String withoutCase(String name) {
        return name.replace("_", "").toLowerCase(Locale.ROOT);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void anOptionThatIsRefusedIsWarnedOfAndTheChannelIsThereAllTheSame(String kind) throws Exception {
        IslaHost host = IslaHost.builder()
                .link(MemoryLink.pair("host", "nobody").first())
                .address("10.0.0.1/24")
                .closeWhenUnused(true)
                .build();
        EventLoopGroup group = new IslaEventLoopGroup(1, host);
        ChannelOption<Integer> foreign = EpollChannelOption.SO_BUSY_POLL;
        try (LogWatch log = new LogWatch()) {
            AbstractBootstrap<?, ?> bootstrap = kind.equals("server")
                    ? new ServerBootstrap()
                            .channel(IslaServerSocketChannel.class)
                            .childHandler(new ChannelInboundHandlerAdapter())
                    : new Bootstrap().channelFactory(() -> channel(kind)).handler(new ChannelInboundHandlerAdapter());
            Channel channel =
                    bootstrap.group(group).option(foreign, 50).register().sync().channel();

            assertThat(log.warnings())
                    .singleElement()
                    .asString()
                    .contains("Unknown channel option")
                    .contains(foreign.name());
            assertThat(channel.isOpen()).isTrue();
        } finally {
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        }
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
