/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.above;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.channel.IslaDatagramChannel;
import io.isla.netty.channel.IslaSocketChannel;
import io.isla.netty.examples.above.Wire.Side;
import io.isla.netty.examples.reactor.TransportLoops;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.testing.Programs;
import io.isla.netty.testing.RequiresProgram;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.handler.codec.dns.DefaultDnsQuestion;
import io.netty.handler.codec.dns.DnsRawRecord;
import io.netty.handler.codec.dns.DnsRecord;
import io.netty.handler.codec.dns.DnsRecordType;
import io.netty.resolver.ResolvedAddressTypes;
import io.netty.resolver.dns.DnsAddressResolverGroup;
import io.netty.resolver.dns.DnsNameResolver;
import io.netty.resolver.dns.DnsNameResolverBuilder;
import io.netty.resolver.dns.SequentialDnsServerAddressStreamProvider;
import io.netty.util.ReferenceCountUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/** Netty's resolver on Isla's datagram channels, and on its TCP where a datagram has no room, asks {@code dnsmasq}. */
@KernelTest
@RequiresProgram("dnsmasq")
class DnsTest {

    /** 16 bytes each: more than dnsmasq sends in a datagram. */
    private static final int MANY = 200;

    @RegisterExtension
    static final Wire WIRE = new Wire("dns0");

    @TempDir
    private static Path directory;

    private static Programs.Running dnsmasq;

    @BeforeAll
    static void startServer() throws Exception {
        Path hosts = Files.writeString(
                directory.resolve("hosts"),
                IntStream.rangeClosed(1, MANY)
                        .mapToObj(i -> "192.0.2." + i + " many.example.org\n")
                        .collect(Collectors.joining()));
        dnsmasq = Programs.start(
                line -> line.contains("started, version"),
                "dnsmasq",
                "--conf-file=/dev/null",
                "--keep-in-foreground",
                "--log-facility=-",
                "--pid-file",
                "--user=root",
                "--no-resolv",
                "--no-hosts",
                "--local=/example.org/",
                "--bind-interfaces",
                "--except-interface=lo",
                "--listen-address=" + Side.KERNEL.host,
                "--addn-hosts=" + hosts,
                "--host-record=both.example.org,192.0.2.1,2001:db8::1",
                "--host-record=here.example.org," + Side.KERNEL.host,
                "--cname=alias.example.org,both.example.org",
                "--txt-record=text.example.org,a text");
    }

    @AfterAll
    static void stopServer() {
        if (dnsmasq != null) {
            dnsmasq.close();
        }
    }

    private static DnsNameResolverBuilder builder() {
        return new DnsNameResolverBuilder()
                .datagramChannelType(IslaDatagramChannel.class)
                .socketChannelType(IslaSocketChannel.class)
                .nameServerProvider(
                        new SequentialDnsServerAddressStreamProvider(new InetSocketAddress(Side.KERNEL.address(), 53)))
                .resolvedAddressTypes(ResolvedAddressTypes.IPV4_PREFERRED)
                .queryTimeoutMillis(TimeUnit.SECONDS.toMillis(Wire.DEADLINE_SECONDS));
    }

    /** What a resolver on one of Isla's event loops finds. */
    private static <T> T resolve(DnsNameResolverBuilder builder, Query<T> query) throws Exception {
        try (DnsNameResolver resolver =
                builder.eventLoop(WIRE.group(Side.ISLA).next()).build()) {
            return query.ask(resolver).get();
        }
    }

    @FunctionalInterface
    private interface Query<T> {
        Future<T> ask(DnsNameResolver resolver);
    }

    @Test
    void findsAddressesOfBothFamilies() throws Exception {
        List<InetAddress> both = resolve(builder(), resolver -> resolver.resolveAll("both.example.org"));
        InetAddress alias = resolve(builder(), resolver -> resolver.resolve("alias.example.org"));

        assertThat(both).containsExactly(InetAddress.getByName("192.0.2.1"), InetAddress.getByName("2001:db8::1"));
        assertThat(alias).isEqualTo(InetAddress.getByName("192.0.2.1"));
    }

    @Test
    void asksAgainOverTcpWhatADatagramHasNoRoomFor() throws Exception {
        DnsNameResolverBuilder v4 = builder().resolvedAddressTypes(ResolvedAddressTypes.IPV4_ONLY);

        List<InetAddress> all = resolve(v4.copy(), resolver -> resolver.resolveAll("many.example.org"));
        List<InetAddress> truncated =
                resolve(v4.copy().socketChannelType(null), resolver -> resolver.resolveAll("many.example.org"));

        assertThat(all).hasSize(MANY).doesNotHaveDuplicates();
        assertThat(truncated).as("without TCP").hasSizeLessThan(MANY);
    }

    @Test
    void findsRecordsOfOtherTypes() throws Exception {
        List<DnsRecord> records = resolve(
                builder(),
                resolver -> resolver.resolveAll(new DefaultDnsQuestion("text.example.org.", DnsRecordType.TXT)));

        assertThat(records).hasSize(1);
        assertThat(((DnsRawRecord) records.get(0)).content().toString(StandardCharsets.US_ASCII))
                .isEqualTo("\6a text");
        records.forEach(ReferenceCountUtil::release);
    }

    @Test
    void saysThatThereIsNoSuchName() {
        assertThatThrownBy(() -> resolve(builder(), resolver -> resolver.resolve("none.example.org")))
                .hasCauseInstanceOf(UnknownHostException.class);
    }

    @Test
    void connectsByName() throws Exception {
        InetSocketAddress server = WIRE.serve(Side.KERNEL, new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {}
        });
        try (DnsAddressResolverGroup resolver = new DnsAddressResolverGroup(builder())) {
            Channel channel = new Bootstrap()
                    .group(WIRE.group(Side.ISLA))
                    .channel(IslaSocketChannel.class)
                    .resolver(resolver)
                    .handler(new ChannelInboundHandlerAdapter())
                    .connect("here.example.org", server.getPort())
                    .sync()
                    .channel();

            assertThat(channel.remoteAddress())
                    .isEqualTo(new InetSocketAddress(Side.KERNEL.address(), server.getPort()));
            channel.close().sync();
        }
    }

    @Test
    void findsServersForReactorsClient() {
        InetSocketAddress server = WIRE.serve(Side.KERNEL, new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                Site.addHttp1(channel.pipeline());
            }
        });
        ConnectionProvider connections = ConnectionProvider.create("findsServersForReactorsClient", 1);
        try {
            String text = HttpClient.create(connections)
                    .runOn(new TransportLoops(
                            WIRE.group(Side.ISLA), List.of(IslaSocketChannel.class, IslaDatagramChannel.class)))
                    .resolver(spec -> spec.dnsAddressResolverGroupProvider(settings -> new DnsAddressResolverGroup(
                            settings.nameServerProvider(new SequentialDnsServerAddressStreamProvider(
                                    new InetSocketAddress(Side.KERNEL.address(), 53))))))
                    .get()
                    .uri("http://here.example.org:" + server.getPort() + "/")
                    .responseContent()
                    .aggregate()
                    .asString()
                    .block(Duration.ofSeconds(Wire.DEADLINE_SECONDS));

            assertThat(text).isEqualTo(Site.TEXT);
        } finally {
            connections.disposeLater().block(Duration.ofSeconds(Wire.DEADLINE_SECONDS));
        }
    }
}
