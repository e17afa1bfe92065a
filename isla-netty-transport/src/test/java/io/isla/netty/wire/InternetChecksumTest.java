/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class InternetChecksumTest {

    private static final long SEED = 0x15_1a;

    @Test
    @DisplayName("the example of RFC 1071 §3")
    void sumsTheExampleOfRfc1071() {
        ByteBuf data =
                Unpooled.wrappedBuffer(new byte[] {0, 1, (byte) 0xf2, 3, (byte) 0xf4, (byte) 0xf5, (byte) 0xf6, -9});

        assertThat(InternetChecksum.sum(data, 0, 8)).isEqualTo(0xddf2);
        assertThat(InternetChecksum.complement(0xddf2)).isEqualTo(0x220d);
    }

    @Test
    @DisplayName("the example of RFC 1624 §4, which equation 2 gets wrong")
    void updatesTheExampleOfRfc1624() {
        assertThat(InternetChecksum.update(0xdd2f, 0x5555, 0x3285)).isZero();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("buffers")
    void agreesWithTheDefinitionAtAnyOffsetAndLength(String kind, BufferFactory factory) {
        Random random = new Random(SEED);
        byte[] bytes = new byte[700];
        random.nextBytes(bytes);
        ByteBuf buf = factory.with(bytes);
        try {
            for (int offset = 0; offset < 18; offset++) {
                for (int length = 0; length < 80; length++) {
                    assertThat(InternetChecksum.sum(buf, offset, length))
                            .as("offset %d, length %d", offset, length)
                            .isEqualTo(byDefinition(bytes, offset, length));
                }
            }
            for (int i = 0; i < 500; i++) {
                int offset = random.nextInt(bytes.length);
                int length = random.nextInt(bytes.length - offset + 1);
                assertThat(InternetChecksum.sum(buf, offset, length))
                        .as("offset %d, length %d, seed %d", offset, length, SEED)
                        .isEqualTo(byDefinition(bytes, offset, length));
            }
        } finally {
            buf.release();
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("buffers")
    void losesNoCarryInTheLargestFrames(String kind, BufferFactory factory) {
        byte[] bytes = new byte[0x10_0000];
        java.util.Arrays.fill(bytes, (byte) 0xff);
        ByteBuf buf = factory.with(bytes);
        try {
            assertThat(InternetChecksum.sum(buf, 0, bytes.length)).isEqualTo(0xffff);
            assertThat(InternetChecksum.sum(buf, 3, bytes.length - 4))
                    .isEqualTo(byDefinition(bytes, 3, bytes.length - 4));
        } finally {
            buf.release();
        }
    }

    @Test
    void joinsPiecesOfOddLengths() {
        Random random = new Random(SEED);
        for (int round = 0; round < 2_000; round++) {
            byte[] bytes = new byte[random.nextInt(300)];
            random.nextBytes(bytes);
            ByteBuf buf = Unpooled.directBuffer(301).writeByte(0).writeBytes(bytes);
            int sum = 0;
            int done = 0;
            while (done < bytes.length) {
                int piece = 1 + random.nextInt(bytes.length - done);
                sum = InternetChecksum.append(sum, done, InternetChecksum.sum(buf, 1 + done, piece));
                done += piece;
            }
            buf.release();
            assertThat(sum).as("round %d of seed %d", round, SEED).isEqualTo(byDefinition(bytes, 0, bytes.length));
        }
    }

    @Test
    void updatesLikeANewSum() {
        Random random = new Random(SEED);
        for (int round = 0; round < 5_000; round++) {
            // A constant keeps the data from being all zero, the one case in which 0 and 0xffff differ.
            ByteBuf buf = Unpooled.directBuffer(12).writeLong(random.nextLong()).writeInt(0x1234_5678);
            int before = InternetChecksum.complement(InternetChecksum.sum(buf, 0, 12));
            int oldWord = buf.getUnsignedShort(2);
            int newWord = random.nextInt(0x1_0000);
            buf.setShort(2, newWord);
            int after = InternetChecksum.complement(InternetChecksum.sum(buf, 0, 12));
            assertThat(InternetChecksum.update(before, oldWord, newWord)).isEqualTo(after);

            int oldInt = buf.getInt(4);
            int newInt = random.nextInt();
            buf.setInt(4, newInt);
            assertThat(InternetChecksum.updateInt(after, oldInt, newInt))
                    .isEqualTo(InternetChecksum.complement(InternetChecksum.sum(buf, 0, 12)));
            buf.release();
        }
    }

    @Test
    void sumsThePseudoHeaderOfIpv4() {
        Random random = new Random(SEED);
        for (int round = 0; round < 1_000; round++) {
            int source = random.nextInt();
            int destination = random.nextInt();
            int length = random.nextInt(0x1_0000);
            ByteBuf header = Unpooled.buffer(12);
            header.writeInt(source)
                    .writeInt(destination)
                    .writeByte(0)
                    .writeByte(IpProtocol.TCP)
                    .writeShort(length);

            assertThat(InternetChecksum.pseudoHeader(
                            0, IpAddress.v4Low(source), 0, IpAddress.v4Low(destination), IpProtocol.TCP, length))
                    .isEqualTo(byDefinition(header.array(), 0, 12))
                    .isEqualTo(InternetChecksum.pseudoHeaderV4(source, destination, IpProtocol.TCP, length));
        }
    }

    @Test
    void sumsThePseudoHeaderOfIpv6() {
        Random random = new Random(SEED);
        for (int round = 0; round < 1_000; round++) {
            long sourceHigh = random.nextLong();
            long sourceLow = random.nextLong();
            long destinationHigh = random.nextLong();
            long destinationLow = random.nextLong();
            int length = random.nextInt(0x10_0000);
            ByteBuf header = Unpooled.buffer(40);
            header.writeLong(sourceHigh).writeLong(sourceLow);
            header.writeLong(destinationHigh).writeLong(destinationLow);
            header.writeInt(length).writeInt(IpProtocol.UDP);

            assertThat(InternetChecksum.pseudoHeader(
                            sourceHigh, sourceLow, destinationHigh, destinationLow, IpProtocol.UDP, length))
                    .isEqualTo(byDefinition(header.array(), 0, 40));
        }
    }

    @Test
    void tellsAGoodSegmentFromABadOne() {
        int pseudoHeader = InternetChecksum.pseudoHeaderV4(0x0a00_0001, 0x0a00_0002, IpProtocol.UDP, 11);
        ByteBuf segment = Unpooled.directBuffer(11);
        segment.setBytes(UdpHeader.LENGTH, new byte[] {'a', 'b', 'c'});
        UdpHeader.write(segment, 0, 1000, 2000, 11, 0);
        int sum = InternetChecksum.add(pseudoHeader, InternetChecksum.sum(segment, 0, 11));
        UdpHeader.checksum(segment, 0, InternetChecksum.complementUdp(sum));

        assertThat(InternetChecksum.isValid(segment, 0, 11, pseudoHeader)).isTrue();
        segment.setByte(10, 'd');
        assertThat(InternetChecksum.isValid(segment, 0, 11, pseudoHeader)).isFalse();
        segment.release();
    }

    @Test
    void neverSendsAUdpChecksumOfZero() {
        assertThat(InternetChecksum.complementUdp(0xffff)).isEqualTo(0xffff);
        assertThat(InternetChecksum.complementUdp(0x1234)).isEqualTo(0xedcb);
    }

    @Test
    void readsNothingOutsideTheBuffer() {
        ByteBuf buf = Unpooled.directBuffer(16, 16);
        assertThatThrownBy(() -> InternetChecksum.sum(buf, 0, 17)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> InternetChecksum.sum(buf, 16, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> InternetChecksum.sum(buf, -1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> InternetChecksum.sum(buf, 1, -1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> InternetChecksum.sum(buf, Integer.MAX_VALUE, Integer.MAX_VALUE))
                .isInstanceOf(IndexOutOfBoundsException.class);
        buf.release();
    }

    interface BufferFactory {
        ByteBuf with(byte[] bytes);
    }

    static Stream<Arguments> buffers() {
        return Stream.of(
                buffer("pooled direct", bytes -> direct(PooledByteBufAllocator.DEFAULT, bytes)),
                buffer("unpooled direct", bytes -> direct(UnpooledByteBufAllocator.DEFAULT, bytes)),
                buffer("slice of direct", bytes -> {
                    ByteBuf all = PooledByteBufAllocator.DEFAULT.directBuffer(bytes.length + 5);
                    ByteBuf slice = all.writeZero(5).writeBytes(bytes).retainedSlice(5, bytes.length);
                    all.release();
                    return slice;
                }),
                buffer("heap", Unpooled::copiedBuffer),
                buffer("composite", bytes -> {
                    CompositeByteBuf composite = Unpooled.compositeBuffer();
                    int middle = bytes.length / 2 | 1;
                    composite.addComponent(true, Unpooled.copiedBuffer(bytes, 0, middle));
                    composite.addComponent(true, Unpooled.copiedBuffer(bytes, middle, bytes.length - middle));
                    return composite;
                }));
    }

    private static Arguments buffer(String kind, BufferFactory factory) {
        return Arguments.of(kind, factory);
    }

    private static ByteBuf direct(ByteBufAllocator allocator, byte[] bytes) {
        return allocator.directBuffer(bytes.length).writeBytes(bytes);
    }

    private static int byDefinition(byte[] bytes, int offset, int length) {
        int sum = 0;
        for (int i = 0; i < length; i++) {
            int octet = bytes[offset + i] & 0xff;
            sum += (i & 1) == 0 ? octet << 8 : octet;
            if (sum > 0xffff) {
                sum -= 0xffff;
            }
        }
        return sum;
    }
}
