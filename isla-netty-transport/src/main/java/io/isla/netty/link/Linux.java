/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLong;
import com.sun.jna.Platform;
import io.netty.channel.unix.Errors.NativeIoException;
import java.io.IOException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** System calls with a result or an {@link ErrnoException}. Slow (JNA): for set-up only. */
final class Linux {
    static final int O_RDWR = 2;
    static final int O_NONBLOCK = 0x800;
    static final int O_CLOEXEC = 0x8_0000;
    static final int AF_INET = 2;
    static final int AF_INET6 = 10;
    static final int AF_NETLINK = 16;
    static final int SOCK_DGRAM = 2;
    static final int SOCK_RAW = 3;

    static final int EPERM = 1;
    static final int ENOENT = 2;
    static final int EINTR = 4;
    static final int EIO = 5;
    static final int ENXIO = 6;
    static final int E2BIG = 7;
    static final int EAGAIN = 11;
    static final int ENOMEM = 12;
    static final int EACCES = 13;
    static final int EBUSY = 16;
    static final int ENODEV = 19;
    static final int EINVAL = 22;
    static final int EMFILE = 24;
    static final int ENFILE = 23;
    static final int EBADFD = 77;
    static final int EMSGSIZE = 90;
    static final int EOPNOTSUPP = 95;
    static final int ENOBUFS = 105;

    /** What a kernel calls itself, such as {@code 6.12.41+deb13-amd64}. */
    private static final Pattern RELEASE = Pattern.compile("(\\d{1,5})\\.(\\d{1,5})");

    private static final Throwable UNAVAILABLE;
    private static final Libc LIBC;

    static {
        Libc libc = null;
        Throwable cause = null;
        if (Platform.isLinux()) {
            try {
                libc = Native.load(Platform.C_LIBRARY_NAME, Libc.class);
            } catch (Throwable t) {
                cause = t;
            }
        }
        LIBC = libc;
        UNAVAILABLE = cause;
    }

    private Linux() {}

    /** A system call has failed. */
    static final class ErrnoException extends IOException {
        private static final long serialVersionUID = 1;
        private final int errno;

        ErrnoException(String call, int errno) {
            super(call + ": " + LIBC.strerror(errno));
            this.errno = errno;
        }

        /** The error number, positive. */
        int errno() {
            return errno;
        }
    }

    /** Whether the kernel that runs is of this version or a later one. */
    static boolean isAtLeast(int major, int minor) {
        return Platform.isLinux() && isAtLeast(System.getProperty("os.version", ""), major, minor);
    }

    static boolean isAtLeast(String release, int major, int minor) {
        Matcher version = RELEASE.matcher(release);
        if (!version.lookingAt()) {
            return false;
        }
        int runs = Integer.parseInt(version.group(1));
        return runs > major || runs == major && Integer.parseInt(version.group(2)) >= minor;
    }

    /**
     * Checks that system calls can be made.
     *
     * @throws IOException which says what to do if not
     */
    static void ensureAvailable() throws IOException {
        if (!Platform.isLinux()) {
            throw new IOException("TAP devices need Linux, and this is " + System.getProperty("os.name")
                    + "; elsewhere use an in-memory link");
        }
        if (LIBC == null) {
            throw new IOException(
                    "cannot load JNA's native library, with which TAP devices are set up (" + UNAVAILABLE.getMessage()
                            + "); it is unpacked to a temporary directory: if that is mounted noexec, name another with"
                            + " -Djna.tmpdir=DIR",
                    UNAVAILABLE);
        }
    }

    /** The error number of an exception that Netty has made of one, positive. */
    static int errno(IOException e) {
        return e instanceof NativeIoException n ? -n.expectedErr() : EINVAL;
    }

    static int open(String path, int flags) throws ErrnoException {
        return check(LIBC.open(path, flags), "open " + path);
    }

    static void close(int fd) {
        LIBC.close(fd);
    }

    static int socket(int domain, int type, int protocol) throws ErrnoException {
        return check(LIBC.socket(domain, type | O_CLOEXEC, protocol), "socket");
    }

    static void bind(int fd, Memory address) throws ErrnoException {
        check(LIBC.bind(fd, address, (int) address.size()), "bind");
    }

    static void send(int fd, Memory data) throws ErrnoException {
        check(LIBC.send(fd, data, new NativeLong(data.size()), 0).intValue(), "send");
    }

    /** Returns how many bytes were received. */
    static int receive(int fd, Memory data) throws ErrnoException {
        return check(LIBC.recv(fd, data, new NativeLong(data.size()), 0).intValue(), "recv");
    }

    /** An ioctl whose argument is a number. */
    static int ioctl(int fd, String name, int request, int argument) throws ErrnoException {
        return check(LIBC.ioctl(fd, new NativeLong(request, true), new NativeLong(argument)), name);
    }

    /** An ioctl whose argument is a structure. */
    static int ioctl(int fd, String name, int request, Memory argument) throws ErrnoException {
        return check(LIBC.ioctl(fd, new NativeLong(request, true), argument), name);
    }

    private static int check(int result, String call) throws ErrnoException {
        if (result < 0) {
            throw new ErrnoException(call, Native.getLastError());
        }
        return result;
    }
}
