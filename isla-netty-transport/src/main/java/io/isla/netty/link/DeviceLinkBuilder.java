/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.isla.netty.wire.IpAddress;
import io.netty.channel.epoll.Epoll;
import java.io.IOException;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.BooleanSupplier;

/**
 * What there is to say about a {@link DeviceLink}, of either kind. What is not set is left as the device has it.
 *
 * @param <B> the builder itself
 * @param <L> what it opens
 */
public abstract sealed class DeviceLinkBuilder<B extends DeviceLinkBuilder<B, L>, L extends DeviceLink>
        permits TapLinkBuilder, TunLinkBuilder {
    private static final int MIN_MTU = 68;
    private static final int MAX_QUEUES = 255;

    private final DeviceKind kind;
    private final String name;
    private final Map<IpAddress, Integer> addresses = new LinkedHashMap<>();
    private int queues = 1;
    private boolean create = true;
    private boolean persistent;
    private boolean offload = true;
    private IoUringUse ioUring = IoUringUse.WHERE_IT_PAYS;
    private BooleanSupplier ioUringTrial = IoUringTrial::pays;
    private boolean bigTcp = true;
    private boolean napi;
    private int mtu;
    private int transmitQueueLength = -1;

    DeviceLinkBuilder(DeviceKind kind, String name) {
        this.kind = kind;
        this.name = checkName(kind, name);
    }

    /**
     * How many event loops can receive from the device: the default is 1. A device that exists with one queue stays so: the link then has
     * one {@linkplain DeviceLink#maxReceiveQueues() receive queue}.
     *
     * @param count 1 to 255
     */
    public final B queues(int count) {
        queues = checkRange("queues", count, 1, MAX_QUEUES);
        return self();
    }

    /** Whether to create the device if there is none, which is the default. Creating one needs the right to ({@code CAP_NET_ADMIN}). */
    public final B create(boolean create) {
        this.create = create;
        return self();
    }

    /** Makes the device outlive this link and this process, if {@code true}; if {@code false}, the default, leaves it as it is. */
    public final B persistent(boolean persistent) {
        this.persistent = persistent;
        return self();
    }

    /** Whether to leave checksums and segmentation to the kernel if it can, which is the default. */
    public final B offload(boolean offload) {
        this.offload = offload;
        return self();
    }

    /**
     * Whether to pass several small frames in one system call, through io_uring (Linux 6.4). If this is not set, it is found out, once a queue has had
     * something to do, whether it costs less than a system call for each, which depends on the processor and on how the kernel defends itself. Where the
     * kernel has no io_uring or does not let this process use it, as in many containers, each frame has a system call of its own all the same.
     */
    public final B ioUring(boolean ioUring) {
        this.ioUring = ioUring ? IoUringUse.ALWAYS : IoUringUse.NEVER;
        return self();
    }

    /**
     * Whether the kernel is to receive frames in a softirq, as from a card ({@code IFF_NAPI}, Linux 4.19); by default, it does so while they are written. A
     * small frame costs more with it. In bulk transfers to the kernel it may cost less: where memory is slow, and the processor's caches are small.
     */
    public final B napi(boolean napi) {
        this.napi = napi;
        return self();
    }

    /**
     * Whether to hand the kernel up to 262,000 bytes of a TCP connection at a time (BIG TCP, Linux 6.3), which is the default, and not 65,535. It is done only where the
     * kernel splits them, and only for destinations that are on the link: the kernel itself, as a rule. Programs that look at such packets see an IPv4 total
     * length of 0, or an IPv6 Jumbo Payload option (RFC 2675).
     */
    public final B bigTcp(boolean bigTcp) {
        this.bigTcp = bigTcp;
        return self();
    }

    /**
     * Gives the kernel's end an IPv4 or IPv6 address; may be called for several.
     *
     * @param address a unicast address
     * @param prefixLength bits of it that all hosts on this link have in common, 0 to 32 or 128
     */
    public final B hostAddress(InetAddress address, int prefixLength) {
        IpAddress ip = IpAddress.of(Objects.requireNonNull(address, "hostAddress"));
        if (ip.isUnspecified() || ip.isMulticast()) {
            throw new IllegalArgumentException("hostAddress: not the address of a host: " + ip);
        }
        addresses.put(ip, checkRange("prefix length of hostAddress " + ip, prefixLength, 0, ip.isV4() ? 32 : 128));
        return self();
    }

    /**
     * Sets the largest IP packet.
     *
     * @param bytes 68 to 65,521 on a TAP, to 65,535 on a TUN; IPv6 needs 1,280
     */
    public final B mtu(int bytes) {
        mtu = checkRange("mtu", bytes, MIN_MTU, kind.maxMtu);
        return self();
    }

    /**
     * Sets how many frames may wait to be received on each queue; the kernel drops what is more, and has 1,000 by default.
     *
     * @param frames 1 or more
     */
    public final B transmitQueueLength(int frames) {
        transmitQueueLength = checkRange("transmitQueueLength", frames, 1, Integer.MAX_VALUE);
        return self();
    }

    /**
     * Attaches to the device, or creates it; sets what is to be set, and brings it up.
     *
     * @throws IOException whose message says what is wrong and what to do
     */
    public abstract L open() throws IOException;

    /** Makes the link of what it consists of. */
    interface Factory<L extends DeviceLink> {
        L create(String name, TunDevice device, HostInterface host, DeviceLinkBuilder<?, ?> builder) throws IOException;
    }

    int queues() {
        return queues;
    }

    IoUringUse ioUring() {
        return ioUring;
    }

    /** For tests. */
    final B ioUringTrial(BooleanSupplier trial) {
        ioUringTrial = trial;
        return self();
    }

    BooleanSupplier ioUringTrial() {
        return ioUringTrial;
    }

    boolean bigTcp() {
        return bigTcp;
    }

    /** Sets what only this kind of device has. */
    abstract void configure(HostInterface host) throws IOException;

    /** This builder. */
    abstract B self();

    final L open(Factory<L> factory) throws IOException {
        Linux.ensureAvailable();
        if (!Epoll.isAvailable()) {
            throw new IOException(
                    "cannot open " + kind + " " + name + ": Netty's epoll transport is not available; add"
                            + " io.netty:netty-transport-native-epoll with the classifier of this machine, such as linux-x86_64",
                    Epoll.unavailabilityCause());
        }
        TunDevice device = TunDevice.open(kind, name, create, queues > 1, offload, napi);
        try {
            HostInterface host = new HostInterface(name);
            configure(host);
            if (mtu != 0) {
                host.setMtu(mtu);
            }
            if (transmitQueueLength >= 0) {
                host.setTransmitQueueLength(transmitQueueLength);
            }
            host.setUp(true);
            for (Map.Entry<IpAddress, Integer> address : addresses.entrySet()) {
                host.addAddress(address.getKey(), address.getValue());
            }
            L link = factory.create(name, device, host, this);
            if (persistent) {
                device.setPersistent(true);
            }
            return link;
        } catch (IOException e) {
            TunDevice.close(device.holder());
            throw e;
        }
    }

    /** What the kernel takes as a name of an interface ({@code dev_valid_name}), less what the {@code ip} command makes hard to type. */
    private static String checkName(DeviceKind kind, String name) {
        if (name.isEmpty() || name.length() > HostInterface.MAX_NAME_LENGTH) {
            throw new IllegalArgumentException("the name of a " + kind + " device has 1 to "
                    + HostInterface.MAX_NAME_LENGTH + " characters; '" + name + "' has " + name.length());
        }
        // The kernel would make another name of a percent sign.
        boolean legal = name.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '/' && c != ':' && c != '%');
        if (!legal || name.equals(".") || name.equals("..")) {
            throw new IllegalArgumentException("the name of a " + kind
                    + " device is made of letters, digits and punctuation, without '/', ':', '%' and blanks: '" + name
                    + "'");
        }
        return name;
    }

    private static int checkRange(String what, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(what + ": " + value + " is not in " + min + " to " + max);
        }
        return value;
    }
}
