/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import io.isla.netty.ip.AddressBlock;
import io.isla.netty.ip.Route;
import io.isla.netty.link.Link;
import io.isla.netty.link.MacAddress;
import io.isla.netty.stack.EchoRequest;
import io.isla.netty.stack.HostConfiguration;
import io.isla.netty.stack.HostNetwork;
import io.isla.netty.stack.HostStack;
import io.isla.netty.stack.NetworkSettings;
import io.isla.netty.wire.IpAddress;
import io.netty.resolver.AddressResolverGroup;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.netty.util.concurrent.Promise;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * A TCP/IP host in user space: a link, and the addresses that the host answers to on it. Event loop groups are built on a host, any number of
 * them; each of their event loops runs one shard of it.
 *
 * <pre>{@code
 * IslaHost host = IslaHost.builder()
 *         .link(TapLink.builder("isla0").open())
 *         .address("10.0.0.2/24")
 *         .gateway("10.0.0.1")
 *         .build();
 * }</pre>
 *
 * <p>Closing the host fails what connections it still has and releases the link. Shut its event loop groups down first, to let them end in order.
 *
 * <p>All methods are for any thread.
 */
public final class IslaHost implements AutoCloseable {
    private final HostStack stack;
    private final AddressResolverGroup<InetSocketAddress> resolvers;

    IslaHost(HostConfiguration configuration) {
        stack = new HostStack(configuration);
        resolvers = new HostResolverGroup(stack);
    }

    /** Describes a new host. */
    public static IslaHostBuilder builder() {
        return new IslaHostBuilder();
    }

    /**
     * The host that the system properties describe, which is the one that event loop groups use if they are given none. It is made when it is first
     * asked for, and shared until the last event loop group on it has terminated; then it releases its link, and the next call makes another.
     *
     * <ul>
     *   <li>{@code io.isla.link}: the link, {@code tap:} or {@code tun:} and the name of the device; {@code tap:isla0} if not set
     *   <li>{@code io.isla.address}: the host's addresses with their prefix lengths, separated by commas, such as {@code 10.0.0.2/24,fd00::2/64};
     *       must be set, unless {@code io.isla.dhcp} or {@code io.isla.slaac} is
     *   <li>{@code io.isla.dhcp}: {@code true} for the host to have its IPv4 address, gateway, name servers and MTU from a DHCP server
     *   <li>{@code io.isla.slaac}: {@code true} for the host to make its own IPv6 addresses from what routers advertise
     *   <li>{@code io.isla.nameserver}: name servers, separated by commas
     *   <li>{@code io.isla.gateway}: the default gateways, at most one of each family, separated by commas
     *   <li>{@code io.isla.mac}: the host's Ethernet address, such as {@code 02:00:5e:10:00:01}; one is made up if not set
     *   <li>{@code io.isla.mtu}: the MTU of host and device in bytes; the device's own if not set
     *   <li>{@code io.isla.host-address}: addresses with prefix lengths to be given to the kernel's end of the device, separated by commas
     *   <li>{@code io.isla.queues}: how many event loops can receive from the device at once, 1 to 255; 1 if not set
     * </ul>
     *
     * @throws IllegalArgumentException if a property is missing or has a bad value; the message names it and says what to do
     * @throws java.io.UncheckedIOException if the link cannot be opened; the message says what to do
     */
    public static IslaHost fromSystemProperties() {
        return SystemPropertyHost.get();
    }

    // ------------------------------------------------------------------------------------------------ addresses

    /** The addresses that the host has now; those of blocks are not among them. */
    public List<InetAddress> addresses() {
        return stack.network().addresses().stream()
                .map(address -> address.address().toInetAddress())
                .toList();
    }

    /** The addresses that the host has now, with what is known of each; those of blocks are not among them. */
    public List<IslaHostAddress> hostAddresses() {
        return stack.network().addresses().stream().map(IslaHostAddress::of).toList();
    }

    /**
     * Gives the host an address. If it {@linkplain IslaHostBuilder#detectDuplicates detects duplicates}, that takes up to 7 seconds. A host that was built without
     * any IPv6 address does not get one for the link besides.
     *
     * @param address an IPv4 or IPv6 address and the length of its prefix, such as {@code 10.0.0.3/24}
     * @return complete once all event loops have it; fails with an {@link IOException} if it is another station's
     * @throws IllegalArgumentException if the host cannot have the address, or has it
     */
    public Future<Void> addAddress(String address) {
        return add(HostAddresses.parseWithPrefix("addAddress", Objects.requireNonNull(address, "address")));
    }

    /**
     * Gives the host an address.
     *
     * @param address a unicast address
     * @param prefixLength how many bits of it all hosts on the link share, 0 to 32 or 128
     * @return as for {@link #addAddress(String)}
     * @throws IllegalArgumentException if the host cannot have the address, or has it
     */
    public Future<Void> addAddress(InetAddress address, int prefixLength) {
        return add(HostAddresses.checked(
                "addAddress", IpAddress.of(Objects.requireNonNull(address, "address")), prefixLength));
    }

    private Future<Void> add(HostConfiguration.Address added) {
        IpAddress address = added.address();
        if (hasAddress(address)) {
            throw new IllegalArgumentException("addAddress: the host has " + address + " already");
        }
        Promise<Void> promise = newPromise();
        stack.addAddress(address, added.prefixLength(), () -> {
            if (hasAddress(address)) {
                promise.trySuccess(null);
            } else {
                promise.tryFailure(new IOException("another station on the link has the address " + address));
            }
        });
        return promise;
    }

    private boolean hasAddress(IpAddress address) {
        return stack.network().addresses().stream()
                .anyMatch(present -> present.address().equals(address));
    }

    /**
     * Takes an address from the host that it was built with or that {@link #addAddress} has given it. Connections from it are left to themselves.
     *
     * @return complete once no event loop has it
     * @throws IllegalArgumentException if it is none of these
     */
    public Future<Void> removeAddress(InetAddress address) {
        Promise<Void> promise = newPromise();
        IpAddress removed = IpAddress.of(Objects.requireNonNull(address, "address"));
        if (!stack.removeAddress(removed, () -> promise.trySuccess(null))) {
            throw new IllegalArgumentException("removeAddress: nobody has given the host the address " + removed);
        }
        return promise;
    }

    /**
     * Gives the host all addresses of a block, as {@link IslaHostBuilder#addressBlock} does.
     *
     * @return complete once all event loops have it
     * @throws IllegalArgumentException if it is no block, or overlaps with one that the host has
     */
    public Future<Void> addAddressBlock(String prefix) {
        AddressBlock added =
                HostAddresses.block("addAddressBlock", Objects.requireNonNull(prefix, "prefix"), AddressBlock.Kind.OWN);
        return change(settings -> {
            List<AddressBlock> blocks = new ArrayList<>(settings.blocks());
            for (AddressBlock present : blocks) {
                int common = Math.min(present.prefixLength(), added.prefixLength());
                if (present.kind() == added.kind() && present.prefix().matches(added.prefix(), common)) {
                    throw new IllegalArgumentException("addAddressBlock: " + prefix + " overlaps with "
                            + present.prefix() + "/" + present.prefixLength() + ", which the host has already");
                }
            }
            blocks.add(added);
            return settings.withBlocks(blocks);
        });
    }

    /**
     * Takes a block of addresses from the host that it was built with or that {@link #addAddressBlock} has given it.
     *
     * @return complete once no event loop has it
     * @throws IllegalArgumentException if there is no such block
     */
    public Future<Void> removeAddressBlock(String prefix) {
        AddressBlock removed = HostAddresses.block(
                "removeAddressBlock", Objects.requireNonNull(prefix, "prefix"), AddressBlock.Kind.OWN);
        return change(settings -> {
            List<AddressBlock> blocks = new ArrayList<>(settings.blocks());
            if (!blocks.remove(removed)) {
                throw new IllegalArgumentException("removeAddressBlock: nobody has given the host the block " + prefix);
            }
            return settings.withBlocks(blocks);
        });
    }

    // ------------------------------------------------------------------------------------------------ routes and names

    /** The routes that the host was given or routers have advertised; those to the prefixes of its addresses are not among them. */
    public List<IslaHostRoute> routes() {
        HostNetwork network = stack.network();
        List<IslaHostRoute> routes = new ArrayList<>();
        network.routes().forEach(route -> routes.add(IslaHostRoute.of(route, false)));
        network.advertisedRoutes().forEach(route -> routes.add(IslaHostRoute.of(route, true)));
        return routes;
    }

    /**
     * Adds a route.
     *
     * @param prefix the destinations, such as {@code 192.0.2.0/24} or {@code ::/0}
     * @param gateway the router, on the link; {@code null} if the destinations are on the link themselves
     * @return complete once all event loops have it
     * @throws IllegalArgumentException if it is no route
     */
    public Future<Void> addRoute(String prefix, InetAddress gateway) {
        Route route = HostAddresses.route("addRoute", prefix, gateway);
        return changeRoutes(routes -> {
            if (!routes.contains(route)) {
                routes.add(route);
            }
        });
    }

    /**
     * Removes a route that was added, or the host was built with.
     *
     * @param prefix the destinations
     * @param gateway as it was added
     * @return complete once no event loop has it
     * @throws IllegalArgumentException if there is no such route
     */
    public Future<Void> removeRoute(String prefix, InetAddress gateway) {
        Route route = HostAddresses.route("removeRoute", prefix, gateway);
        return changeRoutes(routes -> {
            if (!routes.remove(route)) {
                throw new IllegalArgumentException("removeRoute: nobody has given the host the route " + route);
            }
        });
    }

    private Future<Void> changeRoutes(Consumer<List<Route>> change) {
        return change(settings -> {
            List<Route> routes = new ArrayList<>(settings.routes());
            change.accept(routes);
            return settings.withRoutes(routes);
        });
    }

    private Future<Void> change(UnaryOperator<NetworkSettings> change) {
        Promise<Void> promise = newPromise();
        stack.network().change(HostStack.USER, change, () -> promise.trySuccess(null));
        return promise;
    }

    /** The name servers that the host was given or routers have advertised (RFC 8106), the best first. */
    public List<InetAddress> nameServers() {
        return stack.network().nameServers().stream()
                .map(IpAddress::toInetAddress)
                .toList();
    }

    /** The domains to look names up in that the host was given or routers have advertised (RFC 8106), the first first. */
    public List<String> searchDomains() {
        return stack.network().searchDomains();
    }

    /**
     * Resolvers for {@link io.netty.bootstrap.Bootstrap#resolver}: Netty's own DNS resolver on this host's channels, with TCP for long answers. They ask
     * {@link #nameServers()}, look in {@link #searchDomains()}, and find addresses of the families that the host has addresses of, as all of these are at the
     * time. Always the same object; for event loops of this host only.
     *
     * <p>Takes {@code io.netty:netty-resolver-dns}, which a program that wants them adds to its dependencies; without it, every lookup fails with an
     * {@link IllegalStateException}.
     */
    public AddressResolverGroup<InetSocketAddress> resolverGroup() {
        return resolvers;
    }

    /** The DHCP lease that the host has; {@code null} if it has none. */
    public IslaDhcpLease dhcpLease() {
        return IslaDhcpLease.of(stack.dhcpLease());
    }

    /** Adds a listener, which is told of what happens from now on. */
    public void addListener(IslaHostListener listener) {
        stack.network().addListener(new ListenerAdapter(this, Objects.requireNonNull(listener, "listener")));
    }

    /** Removes a listener. */
    public void removeListener(IslaHostListener listener) {
        stack.network().removeListener(new ListenerAdapter(this, listener));
    }

    // ------------------------------------------------------------------------------------------------ echo

    /** Sends an ICMP or ICMPv6 echo request of the usual kind ({@link EchoOptions#DEFAULT}); see {@link #echo(InetAddress, EchoOptions, Promise)}. */
    public Future<EchoReply> echo(InetAddress to) {
        return echo(to, EchoOptions.DEFAULT);
    }

    /** Sends an ICMP or ICMPv6 echo request; see {@link #echo(InetAddress, EchoOptions, Promise)}. */
    public Future<EchoReply> echo(InetAddress to, EchoOptions options) {
        return echo(to, options, GlobalEventExecutor.INSTANCE.newPromise());
    }

    /**
     * Sends an ICMP or ICMPv6 echo request. Called on one of the host's event loops, the request is sent from that; else from the one that leads.
     *
     * @param to any address, this host's own and groups among them; of a group, the first reply counts
     * @param promise completed with the reply. It fails with an {@link IcmpErrorException} if the network says that there will be none, with a
     *     {@link java.net.SocketTimeoutException} if the time is over, with a {@link java.net.NoRouteToHostException} if there is no way, and with another
     *     {@link IOException} if the request cannot be sent. To cancel it has no effect on what is sent.
     * @return the promise
     */
    public Future<EchoReply> echo(InetAddress to, EchoOptions options, Promise<EchoReply> promise) {
        Objects.requireNonNull(promise, "promise");
        stack.echo(
                new EchoRequest(
                        IpAddress.of(Objects.requireNonNull(to, "to")),
                        options.from() == null ? null : IpAddress.of(options.from()),
                        options.size(),
                        options.hopLimit(),
                        options.dontFragment(),
                        options.timeout().toNanos()),
                new PromisedEcho(promise));
        return promise;
    }

    private static Promise<Void> newPromise() {
        return GlobalEventExecutor.INSTANCE.newPromise();
    }

    // ------------------------------------------------------------------------------------------------ the rest

    /** The host's Ethernet address. */
    public MacAddress macAddress() {
        return stack.configuration().mac();
    }

    /** The link. */
    public Link link() {
        return stack.configuration().link();
    }

    /** The MTU in bytes. */
    public int mtu() {
        return stack.network().mtu();
    }

    /**
     * What the host has counted since it was made, by name: those of {@code /proc/net/snmp} and {@code /proc/net/netstat} where Linux counts the same.
     */
    public Map<String, Long> counters() {
        return stack.counters();
    }

    /** Whether the host was closed. */
    public boolean isClosed() {
        return stack.isClosed();
    }

    /**
     * Closes the host: its connections fail, its DHCP lease is given back, its link is released. Idempotent. Where there is a lease, this waits until it is given
     * back, a second at most, unless it is called on an event loop of the host.
     */
    @Override
    public void close() {
        stack.close();
    }

    /** What the channels of this host work on. Not for users: the type is not exported. */
    @SuppressWarnings("exports")
    public HostStack stack() {
        return stack;
    }

    @Override
    public String toString() {
        return "IslaHost(" + link().name() + ", " + stack.network().addresses() + ")";
    }
}
