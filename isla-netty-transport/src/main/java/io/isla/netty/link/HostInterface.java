/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import com.sun.jna.Memory;
import io.isla.netty.link.Linux.ErrnoException;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.Ipv6Header;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.NetworkInterface;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * A network interface as the kernel has it: the host's side of a TAP or TUN. What the {@code ip} command does, by ioctl ({@code netdevice(7)})
 * and, for addresses, by netlink. Failures say how to do by hand what could not be done.
 */
final class HostInterface {
    /** The longest name of an interface ({@code IFNAMSIZ} less the final zero). */
    static final int MAX_NAME_LENGTH = 15;

    private static final Path ROUTES = Path.of("/proc/net/ipv6_route");
    private static final long DELIVERY_NANOS = 1_000_000_000L;
    private static final long DELIVERY_PAUSE_NANOS = 100_000L;

    private static final int SIOCGIFFLAGS = 0x8913;
    private static final int SIOCSIFFLAGS = 0x8914;
    private static final int SIOCGIFMTU = 0x8921;
    private static final int SIOCSIFMTU = 0x8922;
    private static final int SIOCSIFHWADDR = 0x8924;
    private static final int SIOCGIFHWADDR = 0x8927;
    private static final int SIOCGIFINDEX = 0x8933;
    private static final int SIOCGIFTXQLEN = 0x8942;
    private static final int SIOCSIFTXQLEN = 0x8943;
    private static final int SIOCETHTOOL = 0x8946;

    private static final int IFREQ_SIZE = 40;
    private static final int IFREQ_VALUE = 16;
    private static final int IFF_UP = 1;
    private static final int ARPHRD_ETHER = 1;
    private static final int ETHTOOL_GDRVINFO = 3;
    private static final int DRVINFO_SIZE = 196;
    private static final int DRVINFO_DRIVER = 4;
    private static final int DRVINFO_BUS = 100;
    private static final int DRVINFO_STRING = 32;

    private final String name;

    HostInterface(String name) {
        this.name = name;
    }

    /** Whether there is an interface of this name. */
    boolean exists() throws IOException {
        try {
            request("SIOCGIFINDEX", SIOCGIFINDEX, newRequest(name));
            return true;
        } catch (ErrnoException e) {
            if (e.errno() == Linux.ENODEV) {
                return false;
            }
            throw e;
        }
    }

    /** The number that the kernel knows it by. */
    int index() throws IOException {
        return request("SIOCGIFINDEX", SIOCGIFINDEX, newRequest(name)).getInt(IFREQ_VALUE);
    }

    /** What kind of device it is, if not the one that was wanted, in words for an error message. */
    String describe(DeviceKind wanted) {
        try (Memory info = new Memory(DRVINFO_SIZE);
                Memory request = newRequest(name)) {
            info.clear();
            info.setInt(0, ETHTOOL_GDRVINFO);
            request.setPointer(IFREQ_VALUE, info);
            request("SIOCETHTOOL", SIOCETHTOOL, request);
            String driver = text(info, DRVINFO_DRIVER, DRVINFO_STRING);
            String bus = text(info, DRVINFO_BUS, DRVINFO_STRING);
            return driver.equals("tun")
                    ? "a " + bus.toUpperCase(java.util.Locale.ROOT) + " device"
                    : "a device of driver " + driver;
        } catch (IOException e) {
            // Devices without a driver's name, such as lo.
            return "not a " + wanted + " device";
        }
    }

    /** The largest IP packet that it carries, in bytes. */
    int mtu() throws IOException {
        return request("SIOCGIFMTU", SIOCGIFMTU, newRequest(name)).getInt(IFREQ_VALUE);
    }

    /** The kernel's Ethernet address on it. */
    MacAddress macAddress() throws IOException {
        Memory request = request("SIOCGIFHWADDR", SIOCGIFHWADDR, newRequest(name));
        long bits = 0;
        for (int i = 0; i < 6; i++) {
            bits = bits << 8 | request.getByte(IFREQ_VALUE + 2 + i) & 0xff;
        }
        return new MacAddress(bits);
    }

    /** Whether it is up, as an administrator wants it. */
    boolean isUp() throws IOException {
        return (request("SIOCGIFFLAGS", SIOCGIFFLAGS, newRequest(name)).getShort(IFREQ_VALUE) & IFF_UP) != 0;
    }

    void setMtu(int bytes) throws IOException {
        Memory request = newRequest(name);
        request.setInt(IFREQ_VALUE, bytes);
        set(
                "set the MTU of " + name + " to " + bytes,
                "mtu " + bytes,
                "SIOCSIFMTU",
                SIOCSIFMTU,
                request,
                () -> mtu() == bytes);
    }

    void setTransmitQueueLength(int frames) throws IOException {
        Memory request = newRequest(name);
        request.setInt(IFREQ_VALUE, frames);
        set(
                "set the transmit queue length of " + name + " to " + frames,
                "txqueuelen " + frames,
                "SIOCSIFTXQLEN",
                SIOCSIFTXQLEN,
                request,
                () -> request("SIOCGIFTXQLEN", SIOCGIFTXQLEN, newRequest(name)).getInt(IFREQ_VALUE) == frames);
    }

    void setMacAddress(MacAddress address) throws IOException {
        Memory request = newRequest(name);
        request.setShort(IFREQ_VALUE, (short) ARPHRD_ETHER);
        for (int i = 0; i < 6; i++) {
            request.setByte(IFREQ_VALUE + 2 + i, (byte) (address.bits() >> 40 - 8 * i));
        }
        set(
                "set the MAC address of " + name + " to " + address,
                "address " + address,
                "SIOCSIFHWADDR",
                SIOCSIFHWADDR,
                request,
                () -> macAddress().equals(address));
    }

    /** Brings it up, or takes it down. */
    void setUp(boolean up) throws IOException {
        Memory request = request("SIOCGIFFLAGS", SIOCGIFFLAGS, newRequest(name));
        short flags = request.getShort(IFREQ_VALUE);
        if ((flags & IFF_UP) != 0 == up) {
            return;
        }
        request.setShort(IFREQ_VALUE, (short) (flags ^ IFF_UP));
        String state = up ? "up" : "down";
        set("bring " + name + " " + state, state, "SIOCSIFFLAGS", SIOCSIFFLAGS, request, () -> false);
    }

    /** Gives it an address; one that it has already is no failure. */
    void addAddress(IpAddress address, int prefixLength) throws IOException {
        String text = address + "/" + prefixLength;
        try {
            RouteNetlink.addAddress(index(), address, prefixLength);
            if (!address.isV4()) {
                awaitDelivery(address);
            }
        } catch (ErrnoException e) {
            if (e.errno() == Linux.EPERM && hasAddress(address, prefixLength)) {
                // Somebody with the right to do so has given it that beforehand.
                return;
            }
            String advice = remedy(e, "ip address add " + text + " dev " + name);
            if (!address.isV4() && e.errno() == Linux.EACCES) {
                advice = "IPv6 is switched off on it: sysctl net.ipv6.conf." + name + ".disable_ipv6=0";
            }
            if (!address.isV4() && e.errno() == Linux.EINVAL && mtu() < Ipv6Header.MIN_MTU) {
                advice = "IPv6 needs an MTU of " + Ipv6Header.MIN_MTU + " or more, and it has " + mtu();
            }
            throw new IOException(
                    "cannot give " + name + " the address " + text + ": " + e.getMessage() + "; " + advice, e);
        }
    }

    /**
     * Waits until the kernel takes packets to an IPv6 address for its own: it has a worker of it make the route, and what comes before that is
     * dropped as if it were to be forwarded. Does without, after a while, where that cannot be seen.
     */
    private void awaitDelivery(IpAddress address) {
        String route = HexFormat.of().formatHex(address.toInetAddress().getAddress()) + " 80 ";
        long start = System.nanoTime();
        while (System.nanoTime() - start < DELIVERY_NANOS) {
            try (Stream<String> routes = Files.lines(ROUTES, StandardCharsets.US_ASCII)) {
                if (routes.anyMatch(
                        line -> line.startsWith(route) && line.strip().endsWith(" " + name))) {
                    return;
                }
            } catch (IOException | UncheckedIOException e) {
                return;
            }
            LockSupport.parkNanos(DELIVERY_PAUSE_NANOS);
        }
    }

    /** Whether it has an address; to look takes no right. */
    private boolean hasAddress(IpAddress address, int prefixLength) throws IOException {
        NetworkInterface found = NetworkInterface.getByName(name);
        return found != null
                && found.getInterfaceAddresses().stream()
                        .anyMatch(has -> has.getNetworkPrefixLength() == prefixLength
                                && IpAddress.of(has.getAddress()).equals(address));
    }

    /** Something that is so or not, as the kernel says. */
    private interface Check {
        boolean holds() throws IOException;
    }

    /** @param already whether nothing would change: then no right is needed for it, though the kernel asks for one */
    private void set(String what, String ipArguments, String call, int code, Memory request, Check already)
            throws IOException {
        try {
            request(call, code, request);
        } catch (ErrnoException e) {
            if (e.errno() == Linux.EPERM && already.holds()) {
                return;
            }
            throw new IOException(
                    "cannot " + what + ": " + e.getMessage() + "; "
                            + remedy(e, "ip link set dev " + name + " " + ipArguments),
                    e);
        }
    }

    private String remedy(ErrnoException e, String command) {
        return switch (e.errno()) {
            case Linux.EPERM, Linux.EACCES -> "run as root (CAP_NET_ADMIN), or do it beforehand: " + command;
            case Linux.ENODEV -> "the device has been deleted meanwhile; try again";
            default -> "the device refuses this value";
        };
    }

    /** A zeroed {@code struct ifreq} with the name in it. */
    static Memory newRequest(String name) {
        Memory request = new Memory(IFREQ_SIZE);
        request.clear();
        byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
        request.write(0, bytes, 0, bytes.length);
        return request;
    }

    private static Memory request(String call, int code, Memory request) throws ErrnoException {
        int socket = Linux.socket(Linux.AF_INET, Linux.SOCK_DGRAM, 0);
        try {
            Linux.ioctl(socket, call, code, request);
            return request;
        } finally {
            Linux.close(socket);
        }
    }

    private static String text(Memory memory, int offset, int max) {
        byte[] bytes = memory.getByteArray(offset, max);
        int length = 0;
        while (length < max && bytes[length] != 0) {
            length++;
        }
        return new String(bytes, 0, length, StandardCharsets.US_ASCII);
    }
}
