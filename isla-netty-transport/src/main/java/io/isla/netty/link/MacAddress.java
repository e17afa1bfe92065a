/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import java.util.HexFormat;

/**
 * A 48-bit Ethernet address.
 *
 * @param bits the address in the low 48 bits, the first octet on the wire being the most significant
 */
public record MacAddress(long bits) {
    /** {@code ff:ff:ff:ff:ff:ff}. */
    public static final MacAddress BROADCAST = new MacAddress(0xffff_ffff_ffffL);

    /**
     * Checks the range.
     *
     * @throws IllegalArgumentException if more than 48 bits are set
     */
    public MacAddress {
        if (bits >>> 48 != 0) {
            throw new IllegalArgumentException("a MAC address has 48 bits: 0x" + Long.toHexString(bits));
        }
    }

    /**
     * Parses {@code 02:00:5e:10:00:01} (or with dashes).
     *
     * @throws IllegalArgumentException if the text is not six hexadecimal octets
     */
    public static MacAddress parse(String text) {
        String[] octets = text.split("[:-]", -1);
        if (octets.length != 6) {
            throw new IllegalArgumentException("not a MAC address (six octets as in 02:00:5e:10:00:01): " + text);
        }
        long bits = 0;
        for (String octet : octets) {
            if (octet.length() != 2) {
                throw new IllegalArgumentException("not a MAC address (six octets as in 02:00:5e:10:00:01): " + text);
            }
            try {
                bits = bits << 8 | HexFormat.fromHexDigits(octet);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(
                        "not a MAC address (six octets as in 02:00:5e:10:00:01): " + text, e);
            }
        }
        return new MacAddress(bits);
    }

    /** A locally administered unicast address made of 46 of the given bits. */
    public static MacAddress locallyAdministered(long randomBits) {
        return new MacAddress(randomBits & 0xfcff_ffff_ffffL | 0x0200_0000_0000L);
    }

    /** Whether the group bit is set: broadcast or multicast. */
    public boolean isMulticast() {
        return (bits & 0x0100_0000_0000L) != 0;
    }

    /** Six octets in hexadecimal, separated by colons. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(17);
        for (int shift = 40; shift >= 0; shift -= 8) {
            if (shift != 40) {
                text.append(':');
            }
            HexFormat.of().toHexDigits(text, (byte) (bits >> shift));
        }
        return text.toString();
    }
}
