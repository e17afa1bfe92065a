/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import io.isla.netty.ip.AddressBlock;
import io.isla.netty.ip.Ipv6Config;
import io.isla.netty.link.Link;
import io.isla.netty.link.MacAddress;
import io.isla.netty.stack.HostConfiguration;
import io.isla.netty.wire.IpAddress;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * Describes an {@link IslaHost}. A value that makes no sense fails at once with an {@link IllegalArgumentException} that begins with the name of the
 * method.
 */
public final class IslaHostBuilder {
    /** The least MTU of an IPv4 link (RFC 791 §3.2). */
    private static final int MIN_MTU = 68;
    /** The least MTU of an IPv6 link (RFC 8200 §5). */
    private static final int MIN_MTU_V6 = 1280;

    private static final int SECRET_BYTES = 16;

    private final List<HostConfiguration.Address> addresses = new ArrayList<>();
    private final List<IpAddress> gateways = new ArrayList<>();
    private final List<IpAddress> nameServers = new ArrayList<>();
    private final List<String> searchDomains = new ArrayList<>();
    private IslaDhcpConfig dhcp;
    private final List<AddressBlock> blocks = new ArrayList<>();
    private boolean slaac;
    private boolean temporaryAddresses;
    private byte[] stableSecret;
    private boolean detectDuplicates;
    private Link link;
    private MacAddress mac;
    private int mtu;
    private long seed;
    private boolean closeWhenUnused;
    private Consumer<TcpConfiguration> tcp = configuration -> {};

    IslaHostBuilder() {}

    /** Sets the link, which is the host's from now on: it closes it in the end. There must be one. */
    public IslaHostBuilder link(Link link) {
        this.link = Objects.requireNonNull(link, "link");
        return this;
    }

    /** Sets the host's Ethernet address; by default, a random one. */
    public IslaHostBuilder macAddress(MacAddress address) {
        Objects.requireNonNull(address, "macAddress");
        if (address.isMulticast() || address.bits() == 0) {
            throw new IllegalArgumentException(
                    "macAddress: " + address + " is not the address of one host; give one such as 02:00:5e:10:00:01");
        }
        mac = address;
        return this;
    }

    /**
     * Sets the host's Ethernet address.
     *
     * @param address such as {@code 02:00:5e:10:00:01}
     */
    public IslaHostBuilder macAddress(String address) {
        MacAddress parsed;
        try {
            parsed = MacAddress.parse(address);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("macAddress: " + e.getMessage(), e);
        }
        return macAddress(parsed);
    }

    /**
     * Adds an address. At least one is needed, unless the host makes its own.
     *
     * @param address an IPv4 or IPv6 address and the length of the prefix that all hosts on the link share, such as {@code 10.0.0.2/24}
     */
    public IslaHostBuilder address(String address) {
        return add(HostAddresses.parseWithPrefix("address", Objects.requireNonNull(address, "address")));
    }

    /**
     * Adds an address. At least one is needed, unless the host makes its own.
     *
     * @param address a unicast address
     * @param prefixLength how many bits of it all hosts on the link share, 0 to 32 or 128
     */
    public IslaHostBuilder address(InetAddress address, int prefixLength) {
        return add(HostAddresses.checked(
                "address", IpAddress.of(Objects.requireNonNull(address, "address")), prefixLength));
    }

    private IslaHostBuilder add(HostConfiguration.Address added) {
        for (HostConfiguration.Address present : addresses) {
            if (present.address().equals(added.address())) {
                throw new IllegalArgumentException("address: " + added.address() + " is there already");
            }
        }
        addresses.add(added);
        return this;
    }

    /**
     * Sets the default gateway of its family: where packets go whose destination is not on the link.
     *
     * @param address of a router on the link
     */
    public IslaHostBuilder gateway(String address) {
        return gateway(HostAddresses.parse("gateway", Objects.requireNonNull(address, "gateway")));
    }

    /** Sets the default gateway of its family. */
    public IslaHostBuilder gateway(InetAddress address) {
        return gateway(IpAddress.of(Objects.requireNonNull(address, "gateway")));
    }

    private IslaHostBuilder gateway(IpAddress gateway) {
        if (gateway.isUnspecified() || gateway.isMulticast() || gateway.isLoopback()) {
            throw new IllegalArgumentException(
                    "gateway: " + gateway + " is not the address of a router; give the one on this host's link");
        }
        for (IpAddress present : gateways) {
            if (present.isV4() == gateway.isV4()) {
                throw new IllegalArgumentException("gateway: there is one of this family already, " + present);
            }
        }
        gateways.add(gateway);
        return this;
    }

    /**
     * Gives the host all addresses of a block, at no cost for each: it answers when neighbours look for one, replies to pings, and takes connections to servers that are
     * bound to the wildcard. Any of them can be bound, to listen or to connect from. It brings no route; and unless there is an {@link #address} besides, the host has none to
     * connect from by itself.
     *
     * @param prefix such as {@code 10.9.0.0/16} or {@code 2001:db8:1::/64}
     */
    public IslaHostBuilder addressBlock(String prefix) {
        return block("addressBlock", prefix, AddressBlock.Kind.OWN);
    }

    /**
     * Has the host stand in for all addresses of a block, as the end of a tunnel does: it accepts packets to them that are routed to it, as for {@link #addressBlock}, but
     * does not answer when neighbours look for one, and what it sends to one itself goes out to the link.
     *
     * @param prefix such as {@code 10.9.0.0/16}, or {@code 0.0.0.0/0} for all
     */
    public IslaHostBuilder interceptedBlock(String prefix) {
        return block("interceptedBlock", prefix, AddressBlock.Kind.INTERCEPTED);
    }

    private IslaHostBuilder block(String field, String prefix, AddressBlock.Kind kind) {
        AddressBlock added = HostAddresses.block(field, Objects.requireNonNull(prefix, field), kind);
        for (AddressBlock present : blocks) {
            int common = Math.min(present.prefixLength(), added.prefixLength());
            if (present.kind() == kind && present.prefix().matches(added.prefix(), common)) {
                throw new IllegalArgumentException(field + ": " + prefix + " overlaps with " + present.prefix() + "/"
                        + present.prefixLength() + ", which is there already");
            }
        }
        blocks.add(added);
        return this;
    }

    /**
     * Has the host make its own IPv6 addresses (RFC 4862): one for the link, and one in each prefix that routers advertise for it, opaque and always the same
     * for the same {@linkplain #stableSecret secret} (RFC 7217). Default routers, routes, MTU and name servers (RFC 8106) are taken from router advertisements
     * too. Off unless set; then no other address is needed. {@link IslaHostListener}s are told of what comes and goes.
     *
     * <p>Without it, a host with an IPv6 address has one for the link besides, and does not listen to routers.
     */
    public IslaHostBuilder slaac(boolean slaac) {
        this.slaac = slaac;
        return this;
    }

    /**
     * Has the host get its IPv4 address by DHCP (RFC 2131), and with it gateway, routes (RFC 3442), MTU, name servers and search domains; then no other address is
     * needed. The host asks as soon as it has an event loop, keeps the lease as long as it has one, and gives it back when it is closed or the last one ends.
     * {@link IslaHostListener}s are told of what comes and goes.
     */
    public IslaHostBuilder dhcp() {
        return dhcp(IslaDhcpConfig.create());
    }

    /** Has the host get its IPv4 address by DHCP, as {@link #dhcp()} does. */
    public IslaHostBuilder dhcp(IslaDhcpConfig config) {
        dhcp = Objects.requireNonNull(config, "dhcp");
        return this;
    }

    /** Has the host also make temporary addresses, which it prefers for its own connections and replaces every day (RFC 8981). Takes {@link #slaac}. */
    public IslaHostBuilder temporaryAddresses(boolean temporaryAddresses) {
        this.temporaryAddresses = temporaryAddresses;
        return this;
    }

    /**
     * Sets the key that the addresses are made with which the host makes itself (RFC 7217): the same key and Ethernet address give the same addresses. Random
     * unless set, so that a host has others each time it is made.
     *
     * @param secret 16 bytes, known to nobody else; copied
     */
    public IslaHostBuilder stableSecret(byte[] secret) {
        if (Objects.requireNonNull(secret, "stableSecret").length != SECRET_BYTES) {
            throw new IllegalArgumentException("stableSecret: " + secret.length + " bytes are not " + SECRET_BYTES);
        }
        stableSecret = secret.clone();
        return this;
    }

    /**
     * Whether an address that the host is given is used only once it is known that nobody else on the link has it (RFC 4862 §5.4, RFC 5227 §2.1). That takes 1 to
     * 2 seconds for IPv6, 4 to 7 for IPv4; meanwhile the host does not have the address, and nothing can be bound to it. {@link IslaHostListener}s are told what
     * came of it. Off unless set: IPv4 addresses are used at once, announced and defended; IPv6 addresses are used at once and given up if somebody says within
     * a second or two that they are his (RFC 4429).
     */
    public IslaHostBuilder detectDuplicates(boolean detectDuplicates) {
        this.detectDuplicates = detectDuplicates;
        return this;
    }

    /** Adds a name server, to be asked before those that routers tell of. */
    public IslaHostBuilder nameServer(String address) {
        return nameServer(HostAddresses.parse("nameServer", Objects.requireNonNull(address, "nameServer")));
    }

    /** Adds a name server, to be asked before those that routers tell of. */
    public IslaHostBuilder nameServer(InetAddress address) {
        return nameServer(IpAddress.of(Objects.requireNonNull(address, "nameServer")));
    }

    private IslaHostBuilder nameServer(IpAddress server) {
        if (server.isUnspecified() || server.isMulticast()) {
            throw new IllegalArgumentException("nameServer: " + server + " is not the address of one host");
        }
        nameServers.add(server);
        return this;
    }

    /** Adds a domain to look names up in. */
    public IslaHostBuilder searchDomain(String domain) {
        searchDomains.add(Objects.requireNonNull(domain, "searchDomain"));
        return this;
    }

    /**
     * Sets the largest IP packet; by default, what the link carries.
     *
     * @param bytes 68 to the link's MTU; at least 1,280 with an IPv6 address
     */
    public IslaHostBuilder mtu(int bytes) {
        if (bytes < MIN_MTU) {
            throw new IllegalArgumentException("mtu: " + bytes + " bytes are too few; IP needs " + MIN_MTU);
        }
        mtu = bytes;
        return this;
    }

    /**
     * Makes everything random about the host (ports, sequence numbers, keys, its Ethernet address if none is set) follow from a seed, for tests that are
     * to run the same way twice. Never do so where an adversary could be listening.
     *
     * @param seed anything but 0, which stands for unpredictable randomness, the default
     */
    public IslaHostBuilder seed(long seed) {
        this.seed = seed;
        return this;
    }

    /**
     * Sets what holds for all TCP connections of the host.
     *
     * @param settings called by {@link #build()}, after those given before, with what is to be set
     */
    public IslaHostBuilder tcp(Consumer<TcpConfiguration> settings) {
        tcp = tcp.andThen(Objects.requireNonNull(settings, "settings"));
        return this;
    }

    /** Whether the host closes itself, and its link, when the last event loop group on it has terminated; by default it does not. */
    public IslaHostBuilder closeWhenUnused(boolean closeWhenUnused) {
        this.closeWhenUnused = closeWhenUnused;
        return this;
    }

    /**
     * Makes the host. It does nothing yet: that takes an event loop group.
     *
     * @throws IllegalArgumentException if something is missing or does not go together; the message says what
     */
    public IslaHost build() {
        if (link == null) {
            throw new IllegalArgumentException(
                    "link: not set; give one, such as TapLink.builder(\"isla0\").open() of io.isla.netty.link");
        }
        if (addresses.isEmpty() && blocks.isEmpty() && !slaac && dhcp == null) {
            throw new IllegalArgumentException(
                    "address: not set; give at least one, such as 10.0.0.2/24, or have the host get one with dhcp or make its own with slaac");
        }
        if (dhcp != null && link.medium() != Link.Medium.ETHERNET) {
            throw new IllegalArgumentException(
                    "dhcp: link " + link.name() + " is no Ethernet; give the host its addresses");
        }
        if (temporaryAddresses && !slaac) {
            throw new IllegalArgumentException("temporaryAddresses: there are none without slaac");
        }
        for (IpAddress gateway : gateways) {
            checkGateway(gateway);
        }
        TcpConfiguration configuration = new TcpConfiguration();
        tcp.accept(configuration);
        MacAddress own = macAddress();
        int effectiveMtu = checkedMtu();
        return new IslaHost(new HostConfiguration(
                link,
                own,
                addresses,
                gateways,
                blocks,
                nameServers,
                searchDomains,
                ipv6(),
                dhcp == null ? null : dhcp.parameters(own.bits(), effectiveMtu),
                detectDuplicates,
                effectiveMtu,
                configuration.parameters(),
                seed,
                closeWhenUnused));
    }

    private Ipv6Config ipv6() {
        boolean v6 = slaac || blocks.stream().anyMatch(block -> !block.prefix().isV4());
        for (HostConfiguration.Address address : addresses) {
            v6 |= !address.address().isV4();
        }
        if (!v6) {
            return Ipv6Config.MANUAL;
        }
        byte[] secret = stableSecret;
        if (secret == null) {
            secret = new byte[SECRET_BYTES];
            if (seed != 0) {
                // Another stream of bits than that of the Ethernet address.
                new SplittableRandom(~seed).split().nextBytes(secret);
            } else {
                new SecureRandom().nextBytes(secret);
            }
        }
        ByteBuffer bits = ByteBuffer.wrap(secret);
        return new Ipv6Config(slaac, true, temporaryAddresses, bits.getLong(), bits.getLong());
    }

    private void checkGateway(IpAddress gateway) {
        boolean onLink = link.medium() == Link.Medium.IP;
        for (HostConfiguration.Address address : addresses) {
            if (address.address().equals(gateway)) {
                throw new IllegalArgumentException("gateway: " + gateway + " is this host's own address");
            }
            onLink |= address.address().matches(gateway, address.prefixLength());
        }
        for (AddressBlock block : blocks) {
            if (block.kind() == AddressBlock.Kind.OWN && block.prefix().matches(gateway, block.prefixLength())) {
                throw new IllegalArgumentException(
                        "gateway: " + gateway + " is one of this host's own addresses, in block " + block.prefix() + "/"
                                + block.prefixLength());
            }
        }
        if (!onLink && !gateway.isLinkLocal()) {
            throw new IllegalArgumentException("gateway: " + gateway
                    + " is not on the link: no address of this host has a prefix that covers it. The addresses are "
                    + addresses);
        }
    }

    private int checkedMtu() {
        if (mtu > link.mtu()) {
            throw new IllegalArgumentException(
                    "mtu: " + mtu + " bytes are more than link " + link.name() + " carries: " + link.mtu());
        }
        int effective = mtu != 0 ? mtu : link.mtu();
        if (slaac && effective < MIN_MTU_V6) {
            throw new IllegalArgumentException(
                    "mtu: " + effective + " bytes are too few for slaac; IPv6 needs " + MIN_MTU_V6);
        }
        for (HostConfiguration.Address address : addresses) {
            if (!address.address().isV4() && effective < MIN_MTU_V6) {
                throw new IllegalArgumentException("mtu: " + effective + " bytes are too few for address "
                        + address.address() + "; IPv6 needs " + MIN_MTU_V6);
            }
        }
        return effective;
    }

    private MacAddress macAddress() {
        if (mac != null) {
            return mac;
        }
        long random = seed != 0 ? new SplittableRandom(~seed).nextLong() : new SecureRandom().nextLong();
        return MacAddress.locallyAdministered(random);
    }
}
