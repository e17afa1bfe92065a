/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;
import io.netty.util.internal.PlatformDependent;
import java.nio.ByteOrder;

/**
 * The Internet checksum: the one's complement of the one's complement sum of 16-bit words (RFC 1071).
 *
 * <p>What these methods return and take as a <em>sum</em> is that sum before the last complement, folded: 0 to 0xffff, in network
 * byte order. Data in several pieces is summed piece by piece and {@linkplain #append joined}; {@link #complement} makes the value of a
 * checksum field. A packet with its checksum filled in sums up to 0xffff.
 *
 * <p>Nothing here allocates.
 */
public final class InternetChecksum {
    private static final boolean DIRECT_READS = PlatformDependent.hasUnsafe() && PlatformDependent.isUnaligned();
    private static final boolean LITTLE_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
    private static final long LOW_32 = 0xffff_ffffL;

    /** The sum of a packet whose checksum is right. */
    public static final int VALID = 0xffff;

    private InternetChecksum() {}

    /**
     * The sum of some bytes. An odd last byte counts as if a zero byte followed.
     *
     * @param buf any kind of buffer; its indices are neither used nor changed
     * @param offset index of the first byte, even or odd
     * @param length bytes, at most 2<sup>31</sup> - 1
     * @throws IndexOutOfBoundsException if the bytes are not all in the buffer
     */
    public static int sum(ByteBuf buf, int offset, int length) {
        // The direct reads below are not checked by anyone else.
        if ((offset | length) < 0 || offset > buf.capacity() - length) {
            throw new IndexOutOfBoundsException(
                    "offset " + offset + ", length " + length + ", capacity " + buf.capacity());
        }
        if (DIRECT_READS && buf.hasMemoryAddress()) {
            return sumMemory(buf.memoryAddress() + offset, length);
        }
        return sumBuffer(buf, offset, length);
    }

    /**
     * The sum of two pieces, of which the second directly follows the first.
     *
     * @param sum of the first piece
     * @param bytes how many bytes the first piece has: after an odd number, the bytes of the second change places in their words
     * @param nextSum of the second piece
     */
    public static int append(int sum, int bytes, int nextSum) {
        return add(sum, (bytes & 1) == 0 ? nextSum : swap(nextSum));
    }

    /** One's complement addition of two sums (or of a sum and a 16-bit word). */
    public static int add(int a, int b) {
        int sum = a + b;
        return (sum & 0xffff) + (sum >>> 16);
    }

    /** The value of the checksum field for a sum, 0 to 0xffff. */
    public static int complement(int sum) {
        return ~sum & 0xffff;
    }

    /**
     * The value of UDP's checksum field for a sum, 1 to 0xffff: in UDP, a field of zero says that there is no checksum, and a checksum that
     * comes out as zero is sent as 0xffff (RFC 768).
     */
    public static int complementUdp(int sum) {
        int checksum = complement(sum);
        return checksum == 0 ? 0xffff : checksum;
    }

    /**
     * Whether a transport segment's checksum is right.
     *
     * @param buf holds the segment
     * @param offset index of its header
     * @param length bytes of header and payload
     * @param pseudoHeader sum of the pseudo-header, 0 if the protocol has none
     */
    public static boolean isValid(ByteBuf buf, int offset, int length, int pseudoHeader) {
        return add(pseudoHeader, sum(buf, offset, length)) == VALID;
    }

    /**
     * A checksum field's value after one 16-bit word under it has changed (RFC 1624, equation 3).
     *
     * @param checksum the field's value before
     * @param oldWord the word before, 0 to 0xffff
     * @param newWord the word now, 0 to 0xffff
     */
    public static int update(int checksum, int oldWord, int newWord) {
        return complement(add(add(complement(checksum), complement(oldWord)), newWord));
    }

    /** A checksum field's value after a 32-bit word, such as an address or a sequence number, has changed (RFC 1624). */
    public static int updateInt(int checksum, int oldWord, int newWord) {
        return update(update(checksum, oldWord >>> 16, newWord >>> 16), oldWord & 0xffff, newWord & 0xffff);
    }

    /**
     * The sum of the pseudo-header of TCP, UDP and ICMPv6 over IPv4 (RFC 9293 §3.1) or IPv6 (RFC 8200 §8.1).
     *
     * @param sourceHigh first half of the source address (see {@link IpAddress})
     * @param sourceLow second half of it
     * @param destinationHigh first half of the destination address, of the same family
     * @param destinationLow second half of it
     * @param protocol the transport protocol number
     * @param length bytes of transport header and payload
     */
    public static int pseudoHeader(
            long sourceHigh, long sourceLow, long destinationHigh, long destinationLow, int protocol, int length) {
        if (IpAddress.isV4(destinationHigh, destinationLow)) {
            return pseudoHeaderV4((int) sourceLow, (int) destinationLow, protocol, length);
        }
        return pseudoHeaderV6(sourceHigh, sourceLow, destinationHigh, destinationLow, protocol, length);
    }

    /** The sum of the pseudo-header over IPv4 (RFC 9293 §3.1). */
    public static int pseudoHeaderV4(int source, int destination, int protocol, int length) {
        return fold((source & LOW_32) + (destination & LOW_32) + protocol + length);
    }

    /** The sum of the pseudo-header over IPv6 (RFC 8200 §8.1). */
    public static int pseudoHeaderV6(
            long sourceHigh, long sourceLow, long destinationHigh, long destinationLow, int protocol, int length) {
        return fold(halves(sourceHigh)
                + halves(sourceLow)
                + halves(destinationHigh)
                + halves(destinationLow)
                + protocol
                + length);
    }

    private static int sumMemory(long address, int length) {
        long a = 0;
        long b = 0;
        long at = address;
        int left = length;
        // A word of eight bytes is added as two of four: a 64-bit accumulator has room for the carries of 2^31 bytes.
        // The one's complement sum does not mind the byte order, as long as it is swapped once at the end (RFC 1071 §2
        // (B)).
        for (; left >= 32; left -= 32, at += 32) {
            a += halves(PlatformDependent.getLong(at)) + halves(PlatformDependent.getLong(at + 8));
            b += halves(PlatformDependent.getLong(at + 16)) + halves(PlatformDependent.getLong(at + 24));
        }
        for (; left >= 8; left -= 8, at += 8) {
            a += halves(PlatformDependent.getLong(at));
        }
        if ((left & 4) != 0) {
            a += PlatformDependent.getInt(at) & LOW_32;
            at += 4;
        }
        if ((left & 2) != 0) {
            a += PlatformDependent.getShort(at) & 0xffff;
            at += 2;
        }
        if ((left & 1) != 0) {
            int last = PlatformDependent.getByte(at) & 0xff;
            a += LITTLE_ENDIAN ? last : last << 8;
        }
        int sum = fold(a + b);
        return LITTLE_ENDIAN ? swap(sum) : sum;
    }

    private static int sumBuffer(ByteBuf buf, int offset, int length) {
        long sum = 0;
        int at = offset;
        int left = length;
        for (; left >= 8; left -= 8, at += 8) {
            sum += halves(buf.getLong(at));
        }
        if ((left & 4) != 0) {
            sum += buf.getInt(at) & LOW_32;
            at += 4;
        }
        if ((left & 2) != 0) {
            sum += buf.getUnsignedShort(at);
            at += 2;
        }
        if ((left & 1) != 0) {
            sum += buf.getUnsignedByte(at) << 8;
        }
        return fold(sum);
    }

    private static long halves(long word) {
        return (word & LOW_32) + (word >>> 32);
    }

    private static int fold(long sum) {
        long folded = halves(halves(sum));
        folded = (folded & 0xffff) + (folded >>> 16);
        folded = (folded & 0xffff) + (folded >>> 16);
        return (int) ((folded & 0xffff) + (folded >>> 16));
    }

    private static int swap(int sum) {
        return sum << 8 & 0xff00 | sum >>> 8;
    }
}
