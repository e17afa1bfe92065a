/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import io.isla.netty.dhcp.DhcpParameters;
import io.isla.netty.wire.IpAddress;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.Objects;

/**
 * How an {@link IslaHost} asks for its address by DHCP. Immutable; a value that makes no sense fails at once with an {@link IllegalArgumentException}
 * that begins with its name.
 *
 * <pre>{@code
 * IslaHost.builder().link(link).dhcp(IslaDhcpConfig.create().hostName("web-1"))
 * }</pre>
 */
public final class IslaDhcpConfig {
    private static final IslaDhcpConfig DEFAULT = new IslaDhcpConfig(null, null, null, true);
    /** Any will do to check the other values with. */
    private static final long SOME_MAC = 0x0200_0000_0001L;

    private final byte[] clientId;
    private final String hostName;
    private final IpAddress previousAddress;
    private final boolean detectConflicts;

    private IslaDhcpConfig(byte[] clientId, String hostName, IpAddress previousAddress, boolean detectConflicts) {
        this.clientId = clientId;
        this.hostName = hostName;
        this.previousAddress = previousAddress;
        this.detectConflicts = detectConflicts;
        parameters(SOME_MAC, 0);
    }

    /**
     * Nothing but what every client says: an identifier made of the host's Ethernet address (RFC 4361), no name, no address of old; and addresses are checked for
     * conflicts.
     */
    public static IslaDhcpConfig create() {
        return DEFAULT;
    }

    /**
     * Sets what tells the client apart from others. A server gives the same address to the same identifier; the one by default follows from the Ethernet address,
     * which is a random one unless it {@linkplain IslaHostBuilder#macAddress(String) is set}.
     *
     * @param id 2 to 255 bytes, the first of which is a type (RFC 2132 §9.14); copied
     */
    public IslaDhcpConfig clientId(byte[] id) {
        return new IslaDhcpConfig(
                Objects.requireNonNull(id, "clientId").clone(), hostName, previousAddress, detectConflicts);
    }

    /** Sets the name that the server is told; many enter it into DNS. */
    public IslaDhcpConfig hostName(String name) {
        return new IslaDhcpConfig(clientId, Objects.requireNonNull(name, "hostName"), previousAddress, detectConflicts);
    }

    /** Sets an address that the host may have had before: it is asked for first, which takes one round trip where two are needed else. */
    public IslaDhcpConfig previousAddress(InetAddress address) {
        if (!(Objects.requireNonNull(address, "previousAddress") instanceof Inet4Address)) {
            throw new IllegalArgumentException(
                    "previousAddress: " + address.getHostAddress() + " is not an IPv4 address, as DHCP gives them");
        }
        return new IslaDhcpConfig(clientId, hostName, IpAddress.of(address), detectConflicts);
    }

    /**
     * Sets whether the host makes sure that no other station uses an address before it takes it (RFC 5227). So it does unless told otherwise; it takes 4 to 7
     * seconds.
     */
    public IslaDhcpConfig detectConflicts(boolean detect) {
        return new IslaDhcpConfig(clientId, hostName, previousAddress, detect);
    }

    DhcpParameters parameters(long hardwareAddress, int mtu) {
        return new DhcpParameters(hardwareAddress, clientId, hostName, previousAddress, detectConflicts, mtu);
    }
}
