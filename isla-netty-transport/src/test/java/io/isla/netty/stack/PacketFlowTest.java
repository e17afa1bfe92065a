/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.ip.Packets;
import io.isla.netty.link.InboundFrame;
import io.isla.netty.link.Link;
import io.isla.netty.wire.IcmpHeader;
import io.isla.netty.wire.Icmpv6Header;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.netty.buffer.Unpooled;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PacketFlowTest {
    private static final IpAddress FROM = Shards.address("2001:db8::1");
    private static final IpAddress TO = Shards.address("2001:db8::2");
    private static final byte[] TIME_EXCEEDED =
            Packets.icmpv6(FROM, TO, Icmpv6Header.TIME_EXCEEDED, 0, 0, new byte[60]);

    private static boolean isIcmpError(byte[] packet) {
        InboundFrame frame = new InboundFrame();
        frame.set(Unpooled.wrappedBuffer(packet), 0, packet.length);
        return PacketFlow.isIcmpError(frame, Link.Medium.IP);
    }

    private static byte[] ipv6(int nextHeader, byte[]... payload) {
        return Packets.ipv6(FROM, TO, nextHeader, payload);
    }

    @Test
    void anErrorIsFoundBehindExtensionHeaders() {
        assertThat(isIcmpError(ipv6(IpProtocol.ICMPV6, TIME_EXCEEDED))).isTrue();
        assertThat(isIcmpError(ipv6(
                        IpProtocol.HOP_BY_HOP, Packets.extension(IpProtocol.ICMPV6, 1, 4, 0, 0, 0, 0), TIME_EXCEEDED)))
                .isTrue();
        assertThat(isIcmpError(ipv6(
                        IpProtocol.DESTINATION_OPTIONS,
                        Packets.extension(IpProtocol.FRAGMENT, 1, 4, 0, 0, 0, 0),
                        Packets.fragmentHeader(IpProtocol.ICMPV6, 0, false, 7),
                        TIME_EXCEEDED)))
                .isTrue();
    }

    @Test
    void whatIsNoErrorIsNotTakenForOne() {
        byte[] reply = Packets.icmpv6(FROM, TO, Icmpv6Header.ECHO_REPLY, 0, 0, new byte[60]);
        assertThat(isIcmpError(ipv6(IpProtocol.ICMPV6, reply))).isFalse();
        assertThat(isIcmpError(ipv6(IpProtocol.TCP, TIME_EXCEEDED))).isFalse();
        assertThat(isIcmpError(ipv6(
                        IpProtocol.FRAGMENT, Packets.fragmentHeader(IpProtocol.ICMPV6, 8, false, 7), TIME_EXCEEDED)))
                .isFalse();
        byte[] echo = Packets.icmp(IcmpHeader.ECHO_REPLY, 0, 0, new byte[60]);
        assertThat(isIcmpError(Packets.ipv4(1, 2, IpProtocol.ICMP, echo))).isFalse();
    }

    @Test
    void anyBytesAreSafe() {
        SplittableRandom random = new SplittableRandom(1);
        byte[] whole = ipv6(
                IpProtocol.HOP_BY_HOP,
                Packets.extension(IpProtocol.DESTINATION_OPTIONS, 1, 4, 0, 0, 0, 0),
                Packets.extension(IpProtocol.ICMPV6, 1, 4, 0, 0, 0, 0),
                TIME_EXCEEDED);
        for (int i = 0; i < 20_000; i++) {
            byte[] packet = Arrays.copyOf(whole, random.nextInt(whole.length + 1));
            if (packet.length > 0) {
                packet[random.nextInt(packet.length)] = (byte) random.nextInt();
            }
            isIcmpError(packet);
        }
    }
}
