/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.netty.channel.epoll.Epoll;
import io.netty.util.internal.PlatformDependent;

/**
 * Tells whether Isla can be attached to this machine's kernel: whether a TAP device can be driven, for which Linux and Netty's native epoll transport are
 * needed. Hosts on links in memory work everywhere, whatever this says.
 */
public final class Isla {
    private static final Throwable UNAVAILABILITY_CAUSE = findCause();

    private Isla() {}

    private static Throwable findCause() {
        if (PlatformDependent.isWindows() || PlatformDependent.isOsx()) {
            return new UnsupportedOperationException("TAP devices are for Linux; on this system use a link in memory");
        }
        Throwable cause = Epoll.unavailabilityCause();
        return cause == null
                ? null
                : new UnsupportedOperationException(
                        "Netty's epoll transport is not available; on Linux, add io.netty:netty-transport-native-epoll with the"
                                + " classifier of this machine, such as linux-x86_64",
                        cause);
    }

    /** Whether a host can be attached to the kernel. That a device may be opened is another matter: opening it tells. */
    public static boolean isAvailable() {
        return UNAVAILABILITY_CAUSE == null;
    }

    /**
     * Does nothing if a host can be attached to the kernel.
     *
     * @throws UnsatisfiedLinkError if not; the message says why
     */
    public static void ensureAvailability() {
        if (UNAVAILABILITY_CAUSE != null) {
            throw (Error) new UnsatisfiedLinkError(UNAVAILABILITY_CAUSE.getMessage()).initCause(UNAVAILABILITY_CAUSE);
        }
    }

    /** Why a host cannot be attached to the kernel, or {@code null} if it can. */
    public static Throwable unavailabilityCause() {
        return UNAVAILABILITY_CAUSE;
    }
}
