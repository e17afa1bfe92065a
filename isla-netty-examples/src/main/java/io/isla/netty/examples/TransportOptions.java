/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import io.netty.util.NetUtil;
import io.netty.util.NettyRuntime;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import picocli.CommandLine.Option;

/** The options that say what a program's bytes travel on; the same for all of them. */
final class TransportOptions {

    /**
     * An address and how many bits of it all hosts on its link share.
     *
     * @param address the address
     * @param prefixLength 0 to 32 or 128
     */
    record Prefixed(InetAddress address, int prefixLength) {

        /** Whether an address is on this one's link. */
        boolean covers(InetAddress other) {
            BigInteger mine = new BigInteger(1, address.getAddress());
            BigInteger its = new BigInteger(1, other.getAddress());
            int length = address.getAddress().length;
            return length == other.getAddress().length
                    && mine.xor(its).bitLength() <= length * Byte.SIZE - prefixLength;
        }

        /** The first other address of the network, network addresses left out. */
        Prefixed neighbor() {
            byte[] bytes = address.getAddress();
            int bits = bytes.length * Byte.SIZE - prefixLength;
            BigInteger own = new BigInteger(1, bytes);
            BigInteger network = own.shiftRight(bits).shiftLeft(bits);
            BigInteger first = bits > 1 ? network.add(BigInteger.ONE) : network;
            BigInteger chosen = first.equals(own) ? first.add(BigInteger.ONE) : first;
            byte[] digits = chosen.toByteArray();
            byte[] neighbor = new byte[bytes.length];
            int length = Math.min(digits.length, neighbor.length);
            System.arraycopy(digits, digits.length - length, neighbor, neighbor.length - length, length);
            try {
                return new Prefixed(InetAddress.getByAddress(neighbor), prefixLength);
            } catch (UnknownHostException e) {
                throw new AssertionError("4 or 16 bytes are an address", e);
            }
        }

        @Override
        public String toString() {
            return address.getHostAddress() + "/" + prefixLength;
        }
    }

    /** What Isla's event loops do when there is nothing to do. */
    enum Poll {
        ADAPTIVE,
        BLOCK,
        SPIN
    }

    private static final String DEFAULT_DEVICE = "isla0";

    @Option(
            names = "--transport",
            paramLabel = "isla|nio|epoll|io_uring",
            description = "Isla's own TCP (the default), or the kernel's through NIO, epoll or io_uring.")
    Transport.Kind kind = Transport.Kind.ISLA;

    @Option(
            names = "--tap",
            paramLabel = "NAME",
            description = "With Isla: the TAP device to create, or to attach to. Default: " + DEFAULT_DEVICE + ".")
    String tap;

    @Option(
            names = "--tun",
            paramLabel = "NAME",
            description = "With Isla: the TUN device to create, or to attach to, instead of a TAP: IP packets without "
                    + "Ethernet.")
    String tun;

    @Option(
            names = "--address",
            split = ",",
            paramLabel = "ADDRESS/PREFIX",
            description =
                    "With Isla: the addresses that Isla has, IPv4 or IPv6 (default 10.0.0.2/24). With the kernel's "
                            + "TCP: the address that a server listens on (default: all).")
    List<String> addresses = List.of();

    @Option(
            names = "--dhcp",
            description =
                    "With Isla: it has its IPv4 address, gateway and name servers from a DHCP server on the device, and "
                            + "prints the address. It has no others then, unless --address gives it some.")
    boolean dhcp;

    @Option(
            names = "--name-server",
            split = ",",
            paramLabel = "ADDRESS",
            description = "With Isla: the servers to ask for names, before those that DHCP or routers tell of.")
    List<String> nameServers = List.of();

    @Option(
            names = "--slaac",
            description = "With Isla: it makes its own IPv6 addresses from what a router on the device advertises, "
                    + "and prints them. It has no others then, unless --address gives it some.")
    boolean slaac;

    @Option(
            names = "--host-address",
            split = ",",
            paramLabel = "ADDRESS/PREFIX",
            description = "With Isla: the addresses that this machine has on the device, which is Isla's way to all "
                    + "other networks too. Default: the first address, or the second, of each network that Isla is in.")
    List<String> hostAddresses = List.of();

    @Option(
            names = "--no-offload",
            description =
                    "With Isla: leave neither checksums nor segmentation to the kernel; every frame is then one packet "
                            + "of the MTU.")
    boolean noOffload;

    @Option(
            names = "--io-uring",
            negatable = true,
            description =
                    "With Isla: read and write several small frames in one system call, through io_uring, or never do. "
                            + "Default: find out which costs less.")
    Boolean ioUring;

    @Option(
            names = "--napi",
            description =
                    "With Isla: have the kernel receive frames in a softirq, and not while they are written; a small frame "
                            + "costs more, bulk may cost less.")
    boolean napi;

    @Option(
            names = "--no-big-tcp",
            description = "With Isla: hand the kernel no more than 65,535 bytes of a connection at a time.")
    boolean noBigTcp;

    @Option(
            names = "--poll",
            paramLabel = "adaptive|block|spin",
            description =
                    "With Isla: what an event loop does that has nothing to do: looks again for a moment and then "
                            + "waits (the default), waits at once, or looks again for ever, which takes a processor.")
    Poll poll = Poll.ADAPTIVE;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Event loops; 0: one for each processor. Default: ${DEFAULT-VALUE}.")
    int threads = 1;

    /**
     * Checks a port that was given.
     *
     * @throws IllegalArgumentException that names the option, if it is none
     */
    static int port(int port) {
        if (port < 0 || port > 0xffff) {
            throw new IllegalArgumentException("--port: not a port: " + port + "; choose one from 0 (any) to 65535");
        }
        return port;
    }

    /** The name of the TAP device. */
    String tap() {
        return tap == null ? DEFAULT_DEVICE : tap;
    }

    /** The name of the TUN device, where there is to be one. */
    String tun() {
        if (tap != null) {
            throw new IllegalArgumentException("--tun, --tap: Isla has one device; choose one of the two options");
        }
        return tun;
    }

    Transport open() throws IOException {
        return Transport.open(this);
    }

    int eventLoops() {
        if (threads < 0) {
            throw new IllegalArgumentException("--threads: cannot be negative: " + threads);
        }
        return threads == 0 ? NettyRuntime.availableProcessors() : threads;
    }

    /** Whether Isla has addresses that it is not given here. */
    boolean isConfiguredByNetwork() {
        return slaac || dhcp;
    }

    /** The addresses that Isla is given. */
    List<Prefixed> islaAddresses() {
        List<String> given = addresses.isEmpty() && !isConfiguredByNetwork() ? List.of("10.0.0.2/24") : addresses;
        return given.stream().map(text -> prefixed("--address", text)).toList();
    }

    /** The addresses that this machine has on the link to Isla. */
    List<Prefixed> hostAddresses() {
        if (hostAddresses.isEmpty()) {
            return islaAddresses().stream().map(Prefixed::neighbor).distinct().toList();
        }
        return hostAddresses.stream()
                .map(text -> prefixed("--host-address", text))
                .toList();
    }

    /** The address that a server listens on that uses the kernel's TCP. */
    InetAddress kernelAddress() {
        if (addresses.isEmpty()) {
            return new InetSocketAddress(0).getAddress();
        }
        String address = addresses.get(0);
        int slash = address.indexOf('/');
        return address("--address", slash < 0 ? address : address.substring(0, slash));
    }

    private static Prefixed prefixed(String option, String text) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            throw new IllegalArgumentException(
                    option + ": has no prefix length: " + text + "; give one, such as " + text + "/24");
        }
        InetAddress address = address(option, text.substring(0, slash));
        String length = text.substring(slash + 1);
        int max = address.getAddress().length * Byte.SIZE;
        try {
            int prefixLength = Integer.parseInt(length);
            if (prefixLength >= 0 && prefixLength <= max) {
                return new Prefixed(address, prefixLength);
            }
        } catch (NumberFormatException e) {
            // It is said below what is wrong.
        }
        throw new IllegalArgumentException(option + ": the prefix length is not in 0 to " + max + ": " + length);
    }

    static InetAddress address(String option, String text) {
        byte[] bytes = NetUtil.createByteArrayFromIpAddressString(text);
        if (bytes == null) {
            throw new IllegalArgumentException(option + ": not an IP address: " + text);
        }
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException e) {
            throw new AssertionError("4 or 16 bytes are an address", e);
        }
    }
}
