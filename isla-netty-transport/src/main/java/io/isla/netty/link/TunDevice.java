/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import com.sun.jna.Memory;
import io.isla.netty.link.Linux.ErrnoException;
import io.isla.netty.wire.VirtioNetHeader;
import io.netty.channel.unix.FileDescriptor;
import java.io.IOException;

/**
 * A TAP or TUN device of {@code /dev/net/tun} (Linux, {@code networking/tuntap}): finds or creates it, agrees with it on offload, and
 * opens file descriptors on it.
 *
 * <p>A device has one queue or many, for good. One with many delivers a flow to the queue that last sent for it, and to any attached
 * queue before that: a queue that is attached and not read swallows flows. Therefore the file descriptor that holds such a device
 * is detached; frames can still be sent on it, and do not draw their flow to it.
 *
 * <p>Queues may be attached with {@code IFF_NAPI}, but not a holder that is detached, which could not send. What is written is then received in a softirq, as from
 * a card, and that is also where the kernel gives back the memory of frames that another processor has read. Without it, those wait until there are dozens
 * (Linux, {@code net.core.skb_defer_max}), and a bulk transfer may write to memory that no cache has any more; but a small frame costs less.
 */
final class TunDevice {
    private static final String PATH = "/dev/net/tun";

    private static final int TUNSETIFF = 0x4004_54ca;
    private static final int TUNSETPERSIST = 0x4004_54cb;
    private static final int TUNGETFEATURES = 0x8004_54cf;
    private static final int TUNSETOFFLOAD = 0x4004_54d0;
    private static final int TUNSETVNETHDRSZ = 0x4004_54d8;
    private static final int TUNSETQUEUE = 0x4004_54d9;
    private static final int TUNSETVNETLE = 0x4004_54dc;

    private static final int IFF_NAPI = 0x0010;
    /** Before Linux 4.19, all queues of a device had it, or none. */
    private static final int NAPI_MAJOR = 4;

    private static final int NAPI_MINOR = 19;
    private static final int IFF_MULTI_QUEUE = 0x0100;
    private static final int IFF_DETACH_QUEUE = 0x0400;
    private static final int IFF_NO_PI = 0x1000;
    private static final int IFF_VNET_HDR = 0x4000;
    private static final int IFREQ_FLAGS = 16;

    private static final int TUN_F_CSUM = 0x01;
    private static final int TUN_F_TSO4 = 0x02;
    private static final int TUN_F_TSO6 = 0x04;
    private static final int TUN_F_TSO_ECN = 0x08;
    private static final int TUN_F_USO4 = 0x20;
    private static final int TUN_F_USO6 = 0x40;
    private static final int TSO = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    private static final int USO = TUN_F_USO4 | TUN_F_USO6;

    private final DeviceKind kind;
    private final String name;
    private final int flags;
    /** What a queue is attached with beside {@link #flags}: {@code IFF_NAPI}, or 0 if it is not wanted, or the kernel has none for a queue alone. */
    private final int napi;

    private final FileDescriptor holder;
    private final boolean segmentsUdp;

    private TunDevice(DeviceKind kind, String name, int flags, int napi, FileDescriptor holder, boolean segmentsUdp) {
        this.kind = kind;
        this.name = name;
        this.flags = flags;
        this.napi = napi;
        this.holder = holder;
        this.segmentsUdp = segmentsUdp;
    }

    /**
     * Attaches to a device, or creates it.
     *
     * @param create whether to create it if there is none
     * @param manyQueues whether a device with many queues is wanted; an existing one is taken as it is
     * @param offload whether to leave checksums and segmentation to the kernel, if it can
     * @param napi whether to attach queues with {@code IFF_NAPI}, if the kernel can
     * @throws IOException which says what to do
     */
    static TunDevice open(
            DeviceKind kind, String name, boolean create, boolean manyQueues, boolean offload, boolean napi)
            throws IOException {
        HostInterface host = new HostInterface(name);
        boolean exists = host.exists();
        if (!exists && !create) {
            throw new IOException("there is no " + kind + " device " + name + "; create it: ip tuntap add mode "
                    + kind.mode() + " name " + name + " (or allow it to be created)");
        }
        int fd = openTun(PATH);
        try {
            int features = getInt(fd, "TUNGETFEATURES", TUNGETFEATURES);
            if (!napi || !Linux.isAtLeast(NAPI_MAJOR, NAPI_MINOR)) {
                features &= ~IFF_NAPI;
            }
            int wanted = kind.flag | IFF_NO_PI;
            if (manyQueues) {
                wanted |= features & IFF_MULTI_QUEUE;
            }
            if (offload) {
                wanted |= features & IFF_VNET_HDR;
            }
            int flags = attach(fd, kind, host, name, exists, wanted, features);
            boolean segmentsUdp = setOffload(fd, (flags & IFF_VNET_HDR) != 0);
            if ((flags & IFF_MULTI_QUEUE) != 0) {
                try (Memory request = HostInterface.newRequest(name)) {
                    request.setShort(IFREQ_FLAGS, (short) IFF_DETACH_QUEUE);
                    Linux.ioctl(fd, "TUNSETQUEUE", TUNSETQUEUE, request);
                }
            }
            return new TunDevice(kind, name, flags, features & IFF_NAPI, new FileDescriptor(fd), segmentsUdp);
        } catch (IOException e) {
            Linux.close(fd);
            throw e;
        }
    }

    /** Which kind it is. */
    DeviceKind kind() {
        return kind;
    }

    /** Whether further queues can be {@linkplain #openQueue() opened}. */
    boolean hasManyQueues() {
        return (flags & IFF_MULTI_QUEUE) != 0;
    }

    /** Whether a {@link VirtioNetHeader} precedes each frame, and with it, the kernel computes checksums and segments TCP. */
    boolean hasVirtioHeader() {
        return (flags & IFF_VNET_HDR) != 0;
    }

    /** Whether the kernel segments UDP as well. */
    boolean segmentsUdp() {
        return segmentsUdp;
    }

    /** What holds the device: a device that is not persistent goes away when it and all queues are closed. */
    FileDescriptor holder() {
        return holder;
    }

    /** Attaches one more queue of a device that has {@linkplain #hasManyQueues() many}. */
    FileDescriptor openQueue() throws IOException {
        int fd = openTun(PATH);
        try (Memory request = HostInterface.newRequest(name)) {
            request.setShort(IFREQ_FLAGS, (short) (flags | napi));
            Linux.ioctl(fd, "TUNSETIFF", TUNSETIFF, request);
            return new FileDescriptor(fd);
        } catch (ErrnoException e) {
            Linux.close(fd);
            throw e.errno() == Linux.E2BIG
                    ? new IOException(
                            "cannot open another queue of " + kind + " " + name
                                    + ": it has no more; ask for fewer queues (event loops)",
                            e)
                    : failure(kind, name, e, new HostInterface(name), true);
        }
    }

    /** Lets the device live on when nobody has it open, or not. */
    void setPersistent(boolean persistent) throws IOException {
        try {
            Linux.ioctl(holder.intValue(), "TUNSETPERSIST", TUNSETPERSIST, persistent ? 1 : 0);
        } catch (ErrnoException e) {
            throw new IOException("cannot make " + kind + " " + name + " persistent: " + e.getMessage(), e);
        }
    }

    /** Closes a file descriptor of a device. */
    static void close(FileDescriptor fd) {
        try {
            fd.close();
        } catch (IOException e) {
            // Nothing is buffered in it that could be lost.
        }
    }

    /** Opens {@code /dev/net/tun}, or what a test puts in its place. */
    static int openTun(String path) throws IOException {
        try {
            return Linux.open(path, Linux.O_RDWR | Linux.O_NONBLOCK | Linux.O_CLOEXEC);
        } catch (ErrnoException e) {
            String remedy = switch (e.errno()) {
                case Linux.ENOENT ->
                    "load the kernel's module (modprobe tun), or in a container, pass the device on"
                            + " (docker run --device " + path + ")";
                case Linux.ENODEV, Linux.ENXIO -> "the kernel has no TUN/TAP driver: modprobe tun";
                case Linux.EACCES, Linux.EPERM -> "run as root, or let your user open it: chmod 666 " + path;
                case Linux.EMFILE, Linux.ENFILE -> "raise the limit of open files: ulimit -n";
                default -> "see that it is the character device 10, 200";
            };
            throw new IOException("cannot " + e.getMessage() + "; " + remedy, e);
        }
    }

    /** Returns the flags with which the device was attached. */
    private static int attach(
            int fd, DeviceKind kind, HostInterface host, String name, boolean exists, int wanted, int features)
            throws IOException {
        try {
            return setInterface(fd, name, wanted, features);
        } catch (ErrnoException e) {
            // A device that has one queue, or many, remains so, and says no more than EINVAL.
            if (e.errno() != Linux.EINVAL || !exists || (features & IFF_MULTI_QUEUE) == 0) {
                throw failure(kind, name, e, host, exists);
            }
        }
        try {
            return setInterface(fd, name, wanted ^ IFF_MULTI_QUEUE, features);
        } catch (ErrnoException e) {
            throw failure(kind, name, e, host, exists);
        }
    }

    private static int setInterface(int fd, String name, int flags, int features) throws ErrnoException {
        // What holds a device with many queues is detached next, and with NAPI, its writes would fail with EBUSY (Linux
        // 6.4; be held for ever before).
        int napi = (flags & IFF_MULTI_QUEUE) != 0 ? 0 : features & IFF_NAPI;
        try (Memory request = HostInterface.newRequest(name)) {
            request.setShort(IFREQ_FLAGS, (short) (flags | napi));
            Linux.ioctl(fd, "TUNSETIFF", TUNSETIFF, request);
            return flags;
        }
    }

    private static IOException failure(
            DeviceKind kind, String name, ErrnoException e, HostInterface host, boolean exists) {
        String create = "ip tuntap add mode " + kind.mode() + " user $USER name " + name;
        String remedy = switch (e.errno()) {
            case Linux.EPERM ->
                exists
                        ? "it belongs to another user: run as root, or create it for yours: ip tuntap del mode "
                                + kind.mode() + " name " + name + " && " + create
                        : "run as root (CAP_NET_ADMIN), or create it for your user: " + create;
            case Linux.EBUSY ->
                "another program has it open: stop that, or use another name, or give it many queues: "
                        + "ip tuntap add mode " + kind.mode() + " multi_queue name " + name;
            case Linux.EINVAL ->
                exists
                        ? "it is " + host.describe(kind) + "; use another name"
                        : "the kernel does not know what is asked of it";
            case Linux.E2BIG -> "all its queues are in use by other programs; use another name";
            default -> "see the kernel's log: dmesg";
        };
        String verb = exists ? "open" : "create";
        return new IOException("cannot " + verb + " " + kind + " " + name + ": " + e.getMessage() + "; " + remedy, e);
    }

    /**
     * Tells the kernel what it may leave to us, as it is to know with what we leave to it. A device keeps that from one opening to the
     * next, so it is always told.
     *
     * @return whether the kernel can segment UDP (Linux 6.2)
     */
    private static boolean setOffload(int fd, boolean virtioHeader) throws IOException {
        if (!virtioHeader) {
            tryOffload(fd, 0);
            return false;
        }
        try (Memory value = new Memory(Integer.BYTES)) {
            value.setInt(0, VirtioNetHeader.LENGTH);
            Linux.ioctl(fd, "TUNSETVNETHDRSZ", TUNSETVNETHDRSZ, value);
            value.setInt(0, 1);
            Linux.ioctl(fd, "TUNSETVNETLE", TUNSETVNETLE, value);
        }
        if (tryOffload(fd, TSO | USO)) {
            return true;
        }
        if (!tryOffload(fd, TSO) && !tryOffload(fd, TUN_F_CSUM)) {
            tryOffload(fd, 0);
        }
        return false;
    }

    private static boolean tryOffload(int fd, int offload) throws IOException {
        try {
            Linux.ioctl(fd, "TUNSETOFFLOAD", TUNSETOFFLOAD, offload);
            return true;
        } catch (ErrnoException e) {
            if (e.errno() == Linux.EINVAL) {
                return false;
            }
            throw e;
        }
    }

    private static int getInt(int fd, String call, int code) throws IOException {
        try (Memory value = new Memory(Integer.BYTES)) {
            value.clear();
            Linux.ioctl(fd, call, code, value);
            return value.getInt(0);
        }
    }
}
