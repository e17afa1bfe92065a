/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaDhcpConfig;
import io.isla.netty.host.IslaDhcpLease;
import io.isla.netty.host.IslaHost;
import io.isla.netty.host.IslaHostListener;
import io.isla.netty.host.IslaHostRoute;
import io.isla.netty.link.MacAddress;
import io.isla.netty.link.TapLink;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.testing.Programs;
import io.isla.netty.testing.RequiresProgram;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import java.io.File;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** dnsmasq on the other end of a TAP gives the host its address. */
@KernelTest
@RequiresProgram("dnsmasq")
@Timeout(60)
class TapDhcpTest {
    private static final String DEVICE = "dhcp0";
    private static final String KERNEL = "10.33.0.1";
    private static final String MAC = "02:00:5e:33:00:01";

    private final BlockingQueue<String> events = new LinkedBlockingQueue<>();

    @TempDir
    private Path directory;

    private Programs.Running dnsmasq;
    private TapLink tap;
    private IslaHost host;
    private EventLoopGroup group;

    private void server(String... arguments) throws Exception {
        // The device outlives the host: from one that is gone meanwhile, dnsmasq takes no DHCPRELEASE.
        ip("tuntap", "add", "dev", DEVICE, "mode", "tap", "multi_queue", "vnet_hdr");
        tap = TapLink.builder(DEVICE)
                .queues(2)
                .hostAddress(InetAddress.getByName(KERNEL), 24)
                .open();
        List<String> all = new ArrayList<>(List.of(
                "dnsmasq",
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--log-facility=-",
                "--user=root",
                "--pid-file=",
                "--port=0",
                "--interface=" + DEVICE,
                "--bind-interfaces",
                "--log-dhcp",
                "--no-ping",
                "--dhcp-authoritative",
                "--dhcp-leasefile=" + leases(),
                "--dhcp-range=10.33.0.50,10.33.0.59,255.255.255.0,1h"));
        all.addAll(List.of(arguments));
        dnsmasq = Programs.start(line -> line.contains("started, "), all.toArray(String[]::new));
    }

    private static void ip(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("ip"));
        command.addAll(List.of(arguments));
        Programs.Result result = Programs.run(command.toArray(String[]::new));
        assertThat(result.status()).as(result.toString()).isZero();
    }

    private File leases() {
        return directory.resolve("leases").toFile();
    }

    private void host(IslaDhcpConfig config) {
        host = IslaHost.builder()
                .link(tap)
                .macAddress(MAC)
                .dhcp(config)
                .closeWhenUnused(true)
                .build();
        host.addListener(new IslaHostListener() {
            @Override
            public void dhcpLeaseChanged(IslaHost told, IslaDhcpLease lease) {
                events.add(lease == null ? "ended" : lease.address().getHostAddress());
            }

            @Override
            public void addressDuplicate(IslaHost told, InetAddress address, MacAddress other) {
                events.add(address.getHostAddress() + " is another's");
            }
        });
        group = new IslaEventLoopGroup(2, host);
        // A loop starts with its first task.
        group.forEach(loop -> loop.execute(() -> {}));
    }

    private String nextEvent() throws InterruptedException {
        return events.poll(30, TimeUnit.SECONDS);
    }

    @AfterEach
    void close() throws Exception {
        if (group != null) {
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        }
        if (dnsmasq != null) {
            dnsmasq.close();
        }
        if (host == null && tap != null) {
            tap.close();
        }
        ip("link", "delete", DEVICE);
    }

    @Test
    void theHostIsWhatTheServerSays() throws Exception {
        server(
                "--dhcp-option=option:router," + KERNEL,
                "--dhcp-option=option:dns-server,10.33.0.1,10.33.0.2",
                "--dhcp-option=option:ntp-server,10.33.0.123",
                "--dhcp-option=option:domain-name,example.test",
                "--dhcp-option=option:domain-search,eng.example.test,example.test",
                "--dhcp-option=option:mtu,1400",
                "--dhcp-option=option:classless-static-route,0.0.0.0/0,10.33.0.1,198.51.100.0/24,10.33.0.2");
        host(IslaDhcpConfig.create().hostName("web-1"));

        String address = nextEvent();

        assertThat(address).startsWith("10.33.0.5");
        assertThat(host.addresses()).containsExactly(InetAddress.getByName(address));
        assertThat(host.routes())
                .containsExactlyInAnyOrder(
                        new IslaHostRoute(InetAddress.getByName("0.0.0.0"), 0, InetAddress.getByName(KERNEL), false),
                        new IslaHostRoute(
                                InetAddress.getByName("198.51.100.0"), 24, InetAddress.getByName("10.33.0.2"), false));
        assertThat(host.nameServers())
                .containsExactly(InetAddress.getByName("10.33.0.1"), InetAddress.getByName("10.33.0.2"));
        assertThat(host.searchDomains()).containsExactly("eng.example.test", "example.test");
        assertThat(host.mtu()).isEqualTo(1400);
        IslaDhcpLease lease = host.dhcpLease();
        assertThat(lease.server()).isEqualTo(InetAddress.getByName(KERNEL));
        assertThat(lease.duration()).hasHours(1);
        assertThat(lease.domainName()).isEqualTo("example.test");
        assertThat(lease.timeServers()).containsExactly(InetAddress.getByName("10.33.0.123"));
        assertThat(Files.readString(leases().toPath()))
                .contains(MAC + " " + address + " web-1 ff:5e:33:00:01:00:03:00:01:02:00:5e:33:00:01");

        // The kernel is spoken to from it, by either loop.
        try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getByName(KERNEL))) {
            for (int i = 0; i < 4; i++) {
                Channel channel = new Bootstrap()
                        .group(group)
                        .channel(IslaSocketChannel.class)
                        .handler(new ChannelInboundHandlerAdapter())
                        .connect(new InetSocketAddress(KERNEL, server.getLocalPort()))
                        .sync()
                        .channel();
                assertThat(((InetSocketAddress) channel.localAddress()).getAddress())
                        .isEqualTo(InetAddress.getByName(address));
                server.accept().close();
                channel.close().sync();
            }
        }

        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        dnsmasq.awaitLine(line -> line.contains("DHCPRELEASE(" + DEVICE + ") " + address));
        assertThat(nextEvent()).isEqualTo("ended");
        // It writes its leases when it ends, at the latest.
        dnsmasq.close();
        assertThat(Files.readString(leases().toPath())).doesNotContain(address);
    }

    @Test
    void closingTheHostReleasesTheLeaseWhileItsLoopsRun() throws Exception {
        server();
        host(IslaDhcpConfig.create().detectConflicts(false));
        String address = nextEvent();

        host.close();

        dnsmasq.awaitLine(line -> line.contains("DHCPRELEASE(" + DEVICE + ") " + address));
    }

    @Test
    void anAddressThatTheKernelAnswersForIsDeclined() throws Exception {
        server("--dhcp-host=" + MAC + ",10.33.0.77");
        ip("address", "add", "10.33.0.77/32", "dev", DEVICE);
        host(IslaDhcpConfig.create());

        assertThat(nextEvent()).isEqualTo("10.33.0.77 is another's");

        dnsmasq.awaitLine(line -> line.contains("DHCPDECLINE(" + DEVICE + ") 10.33.0.77"));
        assertThat(host.addresses()).isEmpty();
    }

    @Test
    void anAddressOfOldIsAskedForFirst() throws Exception {
        server();
        host(IslaDhcpConfig.create().detectConflicts(false).previousAddress(InetAddress.getByName("10.33.0.55")));

        assertThat(nextEvent()).isEqualTo("10.33.0.55");

        assertThat(host.counters()).containsEntry("DhcpOutDiscovers", 0L).containsEntry("DhcpOutRequests", 1L);
    }

    @Test
    void anAddressOfOldFromElsewhereIsRefusedAndAnotherHad() throws Exception {
        server();
        host(IslaDhcpConfig.create().detectConflicts(false).previousAddress(InetAddress.getByName("192.0.2.55")));

        assertThat(nextEvent()).startsWith("10.33.0.5");

        assertThat(host.counters()).containsEntry("DhcpInNaks", 1L);
    }
}
