/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import io.isla.netty.channel.IslaEventLoopGroup;
import io.isla.netty.channel.IslaServerSocketChannel;
import io.isla.netty.channel.IslaSocketChannel;
import io.isla.netty.channel.PollStrategy;
import io.isla.netty.examples.TransportOptions.Prefixed;
import io.isla.netty.host.IslaHost;
import io.isla.netty.host.IslaHostAddress;
import io.isla.netty.host.IslaHostBuilder;
import io.isla.netty.host.IslaHostListener;
import io.isla.netty.link.DeviceLink;
import io.isla.netty.link.DeviceLinkBuilder;
import io.isla.netty.link.TapLink;
import io.isla.netty.link.TunLink;
import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringServerSocketChannel;
import io.netty.channel.uring.IoUringSocketChannel;
import io.netty.resolver.AddressResolverGroup;
import io.netty.resolver.DefaultAddressResolverGroup;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/**
 * What the bytes travel on: a group of event loops, and the channel classes that go with it. This is the one place
 * where the programs know of it; everything else is the same on each transport.
 *
 * @param group the event loops
 * @param serverChannel the kind of channel that listens
 * @param clientChannel the kind of channel that connects
 * @param address where a server listens
 * @param shownAddress what the URL of a server has for it
 * @param description for people
 * @param host Isla's host; {@code null} with the kernel's TCP
 */
record Transport(
        EventLoopGroup group,
        Class<? extends ServerChannel> serverChannel,
        Class<? extends Channel> clientChannel,
        InetAddress address,
        InetAddress shownAddress,
        String description,
        IslaHost host)
        implements AutoCloseable {

    /** All addresses of both families. */
    private static final InetAddress ANY = new InetSocketAddress("::", 0).getAddress();

    /** How long a host may take for its first address that it has from the network. */
    private static final long CONFIGURATION_SECONDS = 30;

    /** How long an address of the other family may take then: a DHCP server may look for 3 seconds whether it is in use, and the host itself for 7. */
    private static final long OTHER_FAMILY_SECONDS = 12;

    /** Whose TCP it is, and how Netty uses it. */
    enum Kind {
        ISLA,
        NIO,
        EPOLL,
        IO_URING
    }

    static Transport open(TransportOptions options) throws IOException {
        int loops = options.eventLoops();
        return switch (options.kind) {
            case ISLA -> {
                IslaHost host = host(options);
                EventLoopGroup group =
                        new IslaEventLoopGroup(loops, (ThreadFactory) null, host, strategy(options.poll));
                if (options.isConfiguredByNetwork() && !awaitAddresses(options, host, group)) {
                    System.err.println("isla: nobody has told of an address yet; going on without");
                }
                yield new Transport(
                        group,
                        IslaServerSocketChannel.class,
                        IslaSocketChannel.class,
                        listenAddress(options),
                        shownAddress(options, host),
                        "Isla's own TCP/IP, on the " + (options.tun == null ? "TAP" : "TUN") + " device "
                                + host.link().name(),
                        host);
            }
            case NIO ->
                new Transport(
                        new MultiThreadIoEventLoopGroup(loops, NioIoHandler.newFactory()),
                        NioServerSocketChannel.class,
                        NioSocketChannel.class,
                        options.kernelAddress(),
                        options.kernelAddress(),
                        "the kernel's TCP, through NIO",
                        null);
            case EPOLL -> {
                if (!Epoll.isAvailable()) {
                    throw new IOException("Netty's epoll transport does not work here", Epoll.unavailabilityCause());
                }
                yield new Transport(
                        new MultiThreadIoEventLoopGroup(loops, EpollIoHandler.newFactory()),
                        EpollServerSocketChannel.class,
                        EpollSocketChannel.class,
                        options.kernelAddress(),
                        options.kernelAddress(),
                        "the kernel's TCP, through epoll",
                        null);
            }
            case IO_URING -> {
                if (!IoUring.isAvailable()) {
                    throw new IOException(
                            "Netty's io_uring transport does not work here", IoUring.unavailabilityCause());
                }
                yield new Transport(
                        new MultiThreadIoEventLoopGroup(loops, IoUringIoHandler.newFactory()),
                        IoUringServerSocketChannel.class,
                        IoUringSocketChannel.class,
                        options.kernelAddress(),
                        options.kernelAddress(),
                        "the kernel's TCP, through io_uring",
                        null);
            }
        };
    }

    private static PollStrategy strategy(TransportOptions.Poll poll) {
        return switch (poll) {
            case ADAPTIVE -> PollStrategy.byDefault();
            case BLOCK -> PollStrategy.blocking();
            case SPIN -> idleNanos -> PollStrategy.Action.SPIN;
        };
    }

    /** The TAP device that this machine is at one end of, and whose other end is free. */
    static TapLink tap(TransportOptions options) throws IOException {
        return open(options, TapLink.builder(options.tap()));
    }

    private static <L extends DeviceLink> L open(TransportOptions options, DeviceLinkBuilder<?, L> device)
            throws IOException {
        List<Prefixed> isla = options.islaAddresses();
        List<Prefixed> machine = options.hostAddresses();
        machine.forEach(each -> check(isla, each));
        device.queues(options.eventLoops())
                .offload(!options.noOffload)
                .napi(options.napi)
                .bigTcp(!options.noBigTcp);
        if (options.ioUring != null) {
            device.ioUring(options.ioUring);
        }
        machine.forEach(each -> device.hostAddress(each.address(), each.prefixLength()));
        return device.open();
    }

    /** The host that Isla is: at one end of a TAP or TUN device, with this machine at the other. */
    static IslaHost host(TransportOptions options) throws IOException {
        DeviceLink link = options.tun == null ? tap(options) : open(options, TunLink.builder(options.tun()));
        try {
            IslaHostBuilder host =
                    IslaHost.builder().link(link).slaac(options.slaac).closeWhenUnused(true);
            if (options.dhcp) {
                host.dhcp();
            }
            options.nameServers.forEach(host::nameServer);
            options.islaAddresses().forEach(each -> host.address(each.address(), each.prefixLength()));
            Set<Integer> families = new HashSet<>();
            for (Prefixed each : options.hostAddresses()) {
                if (families.add(each.address().getAddress().length)) {
                    host.gateway(each.address());
                }
            }
            IslaHost built = host.build();
            if (options.isConfiguredByNetwork()) {
                built.addListener(new AddressPrinter());
            }
            return built;
        } catch (RuntimeException e) {
            link.close();
            throw e;
        }
    }

    /** Where a server listens: at the address, if there is but one. */
    private static InetAddress listenAddress(TransportOptions options) {
        List<Prefixed> isla = options.islaAddresses();
        return isla.size() == 1 && !options.isConfiguredByNetwork()
                ? isla.get(0).address()
                : ANY;
    }

    private static InetAddress shownAddress(TransportOptions options, IslaHost host) {
        List<Prefixed> isla = options.islaAddresses();
        return isla.isEmpty()
                ? host.addresses().stream()
                        .filter(Transport::isOfUse)
                        .findFirst()
                        .orElse(ANY)
                : isla.get(0).address();
    }

    /** Whether others than those on the link can be spoken to from an address. */
    private static boolean isOfUse(InetAddress address) {
        return !address.isLinkLocalAddress();
    }

    /**
     * Waits for the addresses that a host has from the network: one of each family that is asked for. Where there is one of the one family, one of the
     * other is waited for a little longer, as a network may have but one.
     *
     * @return whether there is one
     */
    static boolean awaitAddresses(TransportOptions options, IslaHost host, EventLoopGroup group) {
        return awaitAddresses(options.dhcp, options.slaac, host, group);
    }

    static boolean awaitAddresses(boolean v4, boolean v6, IslaHost host, EventLoopGroup group) {
        CountDownLatch first = new CountDownLatch(1);
        CountDownLatch all = new CountDownLatch(1);
        Runnable look = () -> {
            boolean has4 = v4 && host.addresses().stream().anyMatch(Inet4Address.class::isInstance);
            boolean has6 =
                    v6 && host.addresses().stream().anyMatch(each -> each instanceof Inet6Address && isOfUse(each));
            if (has4 || has6 || !v4 && !v6) {
                first.countDown();
            }
            if (has4 == v4 && has6 == v6) {
                all.countDown();
            }
        };
        IslaHostListener listener = new IslaHostListener() {
            @Override
            public void addressAdded(IslaHost told, IslaHostAddress added) {
                look.run();
            }
        };
        host.addListener(listener);
        try {
            // The host lives once a loop runs. What it has by then, nobody may be told of any more.
            group.next().submit(look).sync();
            if (!first.await(CONFIGURATION_SECONDS, TimeUnit.SECONDS)) {
                return false;
            }
            all.await(OTHER_FAMILY_SECONDS, TimeUnit.SECONDS);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            host.removeListener(listener);
        }
    }

    /** What looks names up: Isla's resolvers, or the machine's. */
    AddressResolverGroup<InetSocketAddress> resolver() {
        return host == null ? DefaultAddressResolverGroup.INSTANCE : host.resolverGroup();
    }

    private static void check(List<Prefixed> isla, Prefixed machine) {
        boolean covered = isla.isEmpty();
        for (Prefixed own : isla) {
            if (own.address().equals(machine.address())) {
                throw new IllegalArgumentException("--address: " + own
                        + " is this machine's own address on the link, the --host-address; give Isla another");
            }
            if (machine.address().isMulticastAddress() || own.address().isMulticastAddress()) {
                throw new IllegalArgumentException("--address, --host-address: " + own + " and " + machine
                        + " are to be addresses of hosts, not of groups");
            }
            covered |= own.covers(machine.address());
        }
        if (!covered) {
            throw new IllegalArgumentException("--host-address: " + machine + " is not in the network of " + isla
                    + ", Isla's addresses; choose addresses that have as many bits in common as the prefix is long");
        }
    }

    /** Says which addresses the host has; not on standard output, which may be for content. */
    private static final class AddressPrinter implements IslaHostListener {
        @Override
        public void addressAdded(IslaHost host, IslaHostAddress address) {
            System.err.println("Isla has the address " + NetUtil.toAddressString(address.address()));
        }

        @Override
        public void addressRemoved(IslaHost host, IslaHostAddress address) {
            System.err.println("Isla no longer has the address " + NetUtil.toAddressString(address.address()));
        }
    }

    /** What Isla's host has counted, by name; nothing with the kernel's TCP. */
    Map<String, Long> counters() {
        return host == null ? Map.of() : host.counters();
    }

    /** Stops the event loops; with the last of them, Isla's host lets the device go. */
    @Override
    public void close() {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
