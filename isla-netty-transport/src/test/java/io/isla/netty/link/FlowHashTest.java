/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.link.TestFrames.Flow;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.Ipv4Header;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FlowHashTest {
    private static ByteBuf segment(boolean v4, int port, int sequence) {
        IpAddress source = v4 ? IpAddress.v4(0x0a00_0002) : IpAddress.of(0xfd00L << 48, 2);
        IpAddress destination = v4 ? IpAddress.v4(0x0a00_0001) : IpAddress.of(0xfd00L << 48, 1);
        OutboundFrame frame = new OutboundFrame();
        TestFrames.tcp(frame, new Flow(source, port, destination, 80, 1), sequence, 0, 0);
        ByteBuf copy = frame.copy(UnpooledByteBufAllocator.DEFAULT);
        frame.release();
        return copy;
    }

    private static int hash(ByteBuf frame) {
        try {
            return FlowHash.of(frame, 0, frame.writerIndex(), Link.Medium.ETHERNET);
        } finally {
            frame.release();
        }
    }

    @ParameterizedTest(name = "over IPv4: {0}")
    @ValueSource(booleans = {true, false})
    void tellsFlowsApartAndNothingElse(boolean v4) {
        Set<Integer> hashes = new HashSet<>();
        for (int port = 1; port <= 100; port++) {
            int hash = hash(segment(v4, port, 1));
            assertThat(hash(segment(v4, port, 999))).isEqualTo(hash);
            hashes.add(hash);
        }
        assertThat(hashes).hasSize(100);
    }

    @Test
    void isTheSameForAllFragments() {
        ByteBuf first = segment(true, 1, 1);
        ByteBuf second = segment(true, 2, 2);
        Ipv4Header.flagsAndFragmentOffset(first, EthernetHeader.LENGTH, Ipv4Header.MORE_FRAGMENTS);
        Ipv4Header.flagsAndFragmentOffset(second, EthernetHeader.LENGTH, 100);
        assertThat(hash(first)).isEqualTo(hash(second)).isNotZero();
    }

    @Test
    void isZeroForWhatIsNoPacket() {
        ByteBuf cut = segment(true, 1, 1);
        assertThat(hash(cut.writerIndex(10))).isZero();
        ByteBuf lying = segment(true, 1, 1);
        assertThat(hash(lying.writerIndex(lying.writerIndex() - 1))).isZero();
        ByteBuf arp = segment(true, 1, 1);
        assertThat(hash(arp.setShort(12, 0x0806))).isZero();
    }
}
