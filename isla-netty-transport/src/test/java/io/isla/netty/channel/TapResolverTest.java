/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.host.IslaDhcpConfig;
import io.isla.netty.host.IslaDhcpLease;
import io.isla.netty.host.IslaHost;
import io.isla.netty.host.IslaHostAddress;
import io.isla.netty.host.IslaHostBuilder;
import io.isla.netty.host.IslaHostListener;
import io.isla.netty.link.TapLink;
import io.isla.netty.stack.NetworkSettings;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.testing.Programs;
import io.isla.netty.testing.RequiresProgram;
import io.isla.netty.wire.IpAddress;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The host's resolvers ask dnsmasq and unbound on the other end of a TAP. */
@KernelTest
@Timeout(60)
class TapResolverTest {
    private static final String DEVICE = "names0";
    private static final String KERNEL = "10.34.0.1";
    private static final String KERNEL_V6 = "fd34::1";

    @TempDir
    private Path directory;

    private TapLink tap;
    private IslaHost host;
    private EventLoopGroup group;
    private Programs.Running server;

    @BeforeEach
    void openTap() throws Exception {
        tap = TapLink.builder(DEVICE)
                .queues(2)
                .hostAddress(InetAddress.getByName(KERNEL), 24)
                .open();
        ip("-6", "address", "add", KERNEL_V6 + "/64", "dev", DEVICE, "nodad");
    }

    @AfterEach
    void close() throws Exception {
        if (group != null) {
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        } else {
            tap.close();
        }
        if (server != null) {
            server.close();
        }
    }

    private static void ip(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("ip"));
        command.addAll(List.of(arguments));
        Programs.Result result = Programs.run(command.toArray(String[]::new));
        assertThat(result.status()).as(result.errors()).isZero();
    }

    private void dnsmasq(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                "dnsmasq",
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--log-facility=-",
                "--log-queries",
                "--log-dhcp",
                "--user=root",
                "--pid-file=",
                "--no-resolv",
                "--no-hosts",
                "--no-ping",
                "--interface=" + DEVICE,
                "--except-interface=lo",
                "--bind-interfaces",
                "--local=/example.test/",
                // With 0, the default, what is remembered is a matter of luck.
                "--local-ttl=300"));
        command.addAll(List.of(arguments));
        server = Programs.start(line -> line.contains("started, "), command.toArray(String[]::new));
    }

    private IslaHostBuilder builder() {
        return IslaHost.builder().link(tap).closeWhenUnused(true);
    }

    private void start(IslaHost built) {
        host = built;
        group = new IslaEventLoopGroup(2, host);
    }

    private InetAddress resolve(String name) throws Exception {
        return host.resolverGroup()
                .getResolver(group.next())
                .resolve(InetSocketAddress.createUnresolved(name, 80))
                .get(20, TimeUnit.SECONDS)
                .getAddress();
    }

    private List<String> resolveAll(String name) throws Exception {
        return host
                .resolverGroup()
                .getResolver(group.next())
                .resolveAll(InetSocketAddress.createUnresolved(name, 80))
                .get(20, TimeUnit.SECONDS)
                .stream()
                .map(address -> address.getAddress().getHostAddress())
                .toList();
    }

    @Test
    @RequiresProgram("dnsmasq")
    void asksTheServersThatDhcpTellsOf() throws Exception {
        dnsmasq(
                "--dhcp-range=10.34.0.50,10.34.0.59,255.255.255.0,1h",
                "--dhcp-leasefile=" + directory.resolve("leases"),
                "--dhcp-option=option:dns-server," + KERNEL,
                "--dhcp-option=option:domain-search,example.test",
                "--host-record=web.example.test," + KERNEL);
        CountDownLatch bound = new CountDownLatch(1);
        IslaHost built =
                builder().dhcp(IslaDhcpConfig.create().detectConflicts(false)).build();
        built.addListener(new IslaHostListener() {
            @Override
            public void dhcpLeaseChanged(IslaHost told, IslaDhcpLease lease) {
                bound.countDown();
            }
        });
        start(built);
        group.next().execute(() -> {});
        assertThat(bound.await(20, TimeUnit.SECONDS)).isTrue();

        // A name with nothing behind it is looked up in the search domains; the channel then goes where it leads.
        try (ServerSocket kernel = new ServerSocket(0, 5, InetAddress.getByName(KERNEL))) {
            for (String name : new String[] {"web.example.test", "web"}) {
                Channel channel = new Bootstrap()
                        .group(group)
                        .channel(IslaSocketChannel.class)
                        .resolver(host.resolverGroup())
                        .handler(new ChannelInboundHandlerAdapter())
                        .connect(name, kernel.getLocalPort())
                        .sync()
                        .channel();
                kernel.accept().close();
                channel.close().sync();
            }
        }
        assertThatThrownBy(() -> resolve("none.example.test")).hasCauseInstanceOf(UnknownHostException.class);
    }

    @Test
    @RequiresProgram("dnsmasq")
    void asksTheServersThatRoutersTellOf() throws Exception {
        dnsmasq(
                "--enable-ra",
                "--dhcp-range=fd34::,ra-only,64,1h",
                "--dhcp-leasefile=" + directory.resolve("leases"),
                "--dhcp-option=option6:dns-server,[" + KERNEL_V6 + "]",
                "--dhcp-option=option6:domain-search,example.test",
                "--host-record=six.example.test,2001:db8::6");
        CountDownLatch addressed = new CountDownLatch(1);
        CountDownLatch told = new CountDownLatch(1);
        IslaHost built = builder().slaac(true).build();
        built.addListener(new IslaHostListener() {
            @Override
            public void addressAdded(IslaHost host, IslaHostAddress address) {
                if (!address.address().isLinkLocalAddress()) {
                    addressed.countDown();
                }
            }

            @Override
            public void nameServersChanged(IslaHost host) {
                if (!host.nameServers().isEmpty() && !host.searchDomains().isEmpty()) {
                    told.countDown();
                }
            }
        });
        start(built);
        group.next().execute(() -> {});
        assertThat(told.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(addressed.await(30, TimeUnit.SECONDS)).isTrue();

        assertThat(host.nameServers()).containsExactly(InetAddress.getByName(KERNEL_V6));
        assertThat(resolve("six")).isEqualTo(InetAddress.getByName("2001:db8::6"));
    }

    @Test
    @RequiresProgram("dnsmasq")
    void findsTheFamiliesThatTheHostHas() throws Exception {
        dnsmasq("--host-record=both.example.test,192.0.2.1,2001:db8::1");
        start(builder().address("10.34.0.2/24").nameServer(KERNEL).build());
        assertThat(resolveAll("both.example.test")).containsExactly("192.0.2.1");

        host.addAddress("2001:db8:34::2/64").sync();
        assertThat(resolveAll("both.example.test")).containsExactly("192.0.2.1", "2001:db8:0:0:0:0:0:1");

        host.addRoute("::/0", InetAddress.getByName(KERNEL_V6)).sync();
        assertThat(resolveAll("both.example.test")).containsExactly("2001:db8:0:0:0:0:0:1", "192.0.2.1");
        assertThat(resolve("both.example.test")).isEqualTo(InetAddress.getByName("2001:db8::1"));
    }

    @Test
    @RequiresProgram("dnsmasq")
    void asksOverIpv6() throws Exception {
        dnsmasq("--host-record=six.example.test,2001:db8::6");
        start(builder().address("fd34::2/64").nameServer(KERNEL_V6).build());

        assertThat(resolve("six.example.test")).isEqualTo(InetAddress.getByName("2001:db8::6"));
    }

    @Test
    @RequiresProgram("dnsmasq")
    void followsTheServersThatTheHostHasAtTheTime() throws Exception {
        dnsmasq("--host-record=web.example.test,192.0.2.1");
        start(builder().address("10.34.0.2/24").build());
        assertThatThrownBy(() -> resolve("web.example.test"))
                .hasRootCauseInstanceOf(UnknownHostException.class)
                .rootCause()
                .hasMessageContaining("no name server");
        assertThat(resolve("localhost").isLoopbackAddress()).isTrue();

        NetworkSettings told = NetworkSettings.NONE.withResolution(
                List.of(IpAddress.of(InetAddress.getByName(KERNEL))), List.of("example.test"));
        host.stack().network().configure(this, told);
        assertThat(resolve("web")).isEqualTo(InetAddress.getByName("192.0.2.1"));

        host.stack().network().withdraw(this);
        assertThatThrownBy(() -> resolve("web"))
                .as("nor is anything remembered")
                .hasCauseInstanceOf(UnknownHostException.class);
    }

    @Test
    @RequiresProgram("unbound")
    void asksAgainOverTcpWhatADatagramHasNoRoomFor() throws Exception {
        int many = 250;
        Path configuration =
                Files.writeString(directory.resolve("unbound.conf"), """
                server:
                    interface: %s
                    access-control: 10.34.0.0/24 allow
                    do-daemonize: no
                    username: ""
                    chroot: ""
                    directory: "%s"
                    pidfile: ""
                    use-syslog: no
                    logfile: ""
                    log-queries: yes
                    verbosity: 1
                    module-config: "iterator"
                    max-udp-size: 1232
                    local-zone: "example.test." static
                remote-control:
                    control-enable: no
                """.formatted(KERNEL, directory).replace(
                        "remote-control:",
                        IntStream.rangeClosed(1, many)
                                        .mapToObj(i -> "    local-data: \"many.example.test. A 192.0.2." + i + "\"\n")
                                        .collect(Collectors.joining())
                                + "remote-control:"));
        server = Programs.start(
                line -> line.contains("start of service"), "unbound", "-d", "-c", configuration.toString());
        start(builder().address("10.34.0.2/24").nameServer(KERNEL).build());

        assertThat(resolveAll("many.example.test")).hasSize(many).doesNotHaveDuplicates();
        assertThat(host.counters().get("ActiveOpens")).isPositive();
    }
}
