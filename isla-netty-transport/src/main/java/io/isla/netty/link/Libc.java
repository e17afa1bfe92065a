/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.NativeLong;

/**
 * The C library's functions that set a device up. Not for the packet path, which goes through Netty's
 * {@link io.netty.channel.unix.FileDescriptor}.
 */
interface Libc extends Library {
    /** {@code open(2)}. */
    int open(String path, int flags);

    /** {@code close(2)}. */
    int close(int fd);

    /** {@code ioctl(2)}. */
    int ioctl(int fd, NativeLong request, Object... argument);

    /** {@code socket(2)}. */
    int socket(int domain, int type, int protocol);

    /** {@code bind(2)}. */
    int bind(int fd, Memory address, int length);

    /** {@code send(2)}. */
    NativeLong send(int fd, Memory data, NativeLong length, int flags);

    /** {@code recv(2)}. */
    NativeLong recv(int fd, Memory data, NativeLong length, int flags);

    /** {@code strerror(3)}. */
    String strerror(int errno);
}
