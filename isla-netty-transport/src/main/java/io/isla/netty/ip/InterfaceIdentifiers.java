/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** Makes the second half of autoconfigured addresses. */
final class InterfaceIdentifiers {
    private InterfaceIdentifiers() {}

    /**
     * A stable identifier that tells nothing and differs from prefix to prefix (RFC 7217 §5), with SHA-256 as the function.
     *
     * @param prefixHigh the prefix
     * @param linkAddress names the interface
     * @param counter how often the address made before was not to be had
     */
    static long stable(long prefixHigh, long linkAddress, int counter, long secretHigh, long secretLow) {
        ByteBuffer input = ByteBuffer.allocate(36)
                .putLong(prefixHigh)
                .putLong(linkAddress)
                .putInt(counter)
                .putLong(secretHigh)
                .putLong(secretLow);
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(input.array());
            return ByteBuffer.wrap(digest).getLong();
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    /** Whether an identifier is kept for other uses (RFC 5453): anycast to routers, and 128 anycast identifiers. */
    static boolean isReserved(long identifier) {
        return identifier == 0 || identifier >>> 7 == 0xfdff_ffff_ffff_ff80L >>> 7;
    }
}
