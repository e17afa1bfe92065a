/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Each header is read from bytes that another stack sent, and written back to the same bytes, at an odd offset. */
class HeadersTest {

    private static final int AT = 3;

    private static ByteBuf bytes(String hex) {
        byte[] octets = ByteBufUtil.decodeHexDump(hex.replace(" ", ""));
        return Unpooled.buffer(AT + octets.length).writeZero(AT).writeBytes(octets);
    }

    /** Room for a header, full of ones so that a field left out shows. */
    private static ByteBuf room(int length) {
        ByteBuf buf = Unpooled.buffer(AT + length + 1);
        for (int i = 0; i < buf.capacity(); i++) {
            buf.setByte(i, 0xff);
        }
        return buf;
    }

    private static void assertWritten(ByteBuf written, ByteBuf expected) {
        int length = expected.readableBytes() - AT;
        assertThat(ByteBufUtil.hexDump(written, AT, length)).isEqualTo(ByteBufUtil.hexDump(expected, AT, length));
        assertThat(written.getByte(AT - 1)).as("byte before the header").isEqualTo((byte) 0xff);
        assertThat(written.getByte(AT + length)).as("byte after the header").isEqualTo((byte) 0xff);
    }

    @Nested
    class Ethernet {
        private final ByteBuf header = bytes("ffeeddccbbaa 021122334455 86dd");

        @Test
        void reads() {
            assertThat(EthernetHeader.destination(header, AT)).isEqualTo(0xffee_ddcc_bbaaL);
            assertThat(EthernetHeader.source(header, AT)).isEqualTo(0x0211_2233_4455L);
            assertThat(EthernetHeader.type(header, AT)).isEqualTo(EtherType.IPV6);
            assertThat(EthernetHeader.isValid(14)).isTrue();
            assertThat(EthernetHeader.isValid(13)).isFalse();
        }

        @Test
        void writes() {
            ByteBuf buf = room(14);
            EthernetHeader.write(buf, AT, 0xffee_ddcc_bbaaL, 0x0211_2233_4455L, EtherType.IPV6);
            assertWritten(buf, header);
        }

        @Test
        void setsAddresses() {
            ByteBuf buf = header.copy();
            EthernetHeader.destination(buf, AT, 0x0102_0304_0506L);
            EthernetHeader.source(buf, AT, 0xfafb_fcfd_feffL);
            assertThat(ByteBufUtil.hexDump(buf, AT, 14)).isEqualTo("010203040506fafbfcfdfeff86dd");
        }

        @Test
        void knowsGroupAddresses() {
            assertThat(EthernetHeader.isGroup(EthernetHeader.BROADCAST)).isTrue();
            assertThat(EthernetHeader.isGroup(0x3333_0000_0001L)).isTrue();
            assertThat(EthernetHeader.isGroup(0x0211_2233_4455L)).isFalse();
        }
    }

    @Nested
    class Arp {
        private final ByteBuf request = bytes("0001 0800 06 04 0001 fa163e11ffee 0a000001 000000000000 0a000002");

        @Test
        void reads() {
            assertThat(ArpHeader.isValid(request, AT, 28)).isTrue();
            assertThat(ArpHeader.operation(request, AT)).isEqualTo(ArpHeader.REQUEST);
            assertThat(ArpHeader.senderHardwareAddress(request, AT)).isEqualTo(0xfa16_3e11_ffeeL);
            assertThat(ArpHeader.senderProtocolAddress(request, AT)).isEqualTo(0x0a00_0001);
            assertThat(ArpHeader.targetHardwareAddress(request, AT)).isZero();
            assertThat(ArpHeader.targetProtocolAddress(request, AT)).isEqualTo(0x0a00_0002);
        }

        @Test
        void writes() {
            ByteBuf buf = room(28);
            ArpHeader.write(buf, AT, ArpHeader.REQUEST, 0xfa16_3e11_ffeeL, 0x0a00_0001, 0, 0x0a00_0002);
            assertWritten(buf, request);
        }

        @Test
        void refusesOtherKinds() {
            assertThat(ArpHeader.isValid(request, AT, 27)).isFalse();
            for (int field : new int[] {1, 2, 4, 5}) {
                ByteBuf other = request.copy();
                other.setByte(AT + field, 9);
                assertThat(ArpHeader.isValid(other, AT, 28))
                        .as("byte %d", field)
                        .isFalse();
            }
        }
    }

    @Nested
    class Ipv4 {
        private final ByteBuf header = bytes("45000073 00004000 4011b861 c0a80001 c0a800c7");

        @Test
        void reads() {
            assertThat(Ipv4Header.isValid(header, AT, 0x73)).isTrue();
            assertThat(Ipv4Header.isChecksumValid(header, AT)).isTrue();
            assertThat(Ipv4Header.version(header, AT)).isEqualTo(4);
            assertThat(Ipv4Header.headerLength(header, AT)).isEqualTo(20);
            assertThat(Ipv4Header.typeOfService(header, AT)).isZero();
            assertThat(Ipv4Header.totalLength(header, AT)).isEqualTo(0x73);
            assertThat(Ipv4Header.identification(header, AT)).isZero();
            assertThat(Ipv4Header.isDontFragment(header, AT)).isTrue();
            assertThat(Ipv4Header.isFragment(header, AT)).isFalse();
            assertThat(Ipv4Header.timeToLive(header, AT)).isEqualTo(64);
            assertThat(Ipv4Header.protocol(header, AT)).isEqualTo(IpProtocol.UDP);
            assertThat(Ipv4Header.headerChecksum(header, AT)).isEqualTo(0xb861);
            assertThat(Ipv4Header.source(header, AT)).isEqualTo(0xc0a8_0001);
            assertThat(Ipv4Header.destination(header, AT)).isEqualTo(0xc0a8_00c7);
        }

        @Test
        void writesWithChecksum() {
            ByteBuf buf = room(20);
            Ipv4Header.write(
                    buf, AT, 0, 0x73, 0, Ipv4Header.DONT_FRAGMENT, 64, IpProtocol.UDP, 0xc0a8_0001, 0xc0a8_00c7);
            assertWritten(buf, header);
        }

        @Test
        void writesEveryBitOfAField() {
            ByteBuf buf = room(20);
            Ipv4Header.write(buf, AT, 0xfd, 0xfffe, 0xfedc, 0xffff, 255, 254, -2, -3);
            assertThat(Ipv4Header.isValid(buf, AT, 0xfffe)).isTrue();
            assertThat(Ipv4Header.typeOfService(buf, AT)).isEqualTo(0xfd);
            assertThat(Ipv4Header.identification(buf, AT)).isEqualTo(0xfedc);
            assertThat(Ipv4Header.flagsAndFragmentOffset(buf, AT)).isEqualTo(0xffff);
            assertThat(Ipv4Header.timeToLive(buf, AT)).isEqualTo(255);
            assertThat(Ipv4Header.protocol(buf, AT)).isEqualTo(254);
            assertThat(Ipv4Header.isChecksumValid(buf, AT)).isTrue();
        }

        @Test
        void readsFragments() {
            ByteBuf buf = header.copy();
            Ipv4Header.flagsAndFragmentOffset(buf, AT, Ipv4Header.MORE_FRAGMENTS);
            assertThat(Ipv4Header.isFragment(buf, AT)).isTrue();
            assertThat(Ipv4Header.hasMoreFragments(buf, AT)).isTrue();
            assertThat(Ipv4Header.fragmentOffset(buf, AT)).isZero();

            Ipv4Header.flagsAndFragmentOffset(buf, AT, 185);
            assertThat(Ipv4Header.isFragment(buf, AT)).isTrue();
            assertThat(Ipv4Header.hasMoreFragments(buf, AT)).isFalse();
            assertThat(Ipv4Header.isDontFragment(buf, AT)).isFalse();
            assertThat(Ipv4Header.fragmentOffset(buf, AT)).isEqualTo(1480);
        }

        @Test
        void fillsTheChecksumOverOptions() {
            ByteBuf buf = bytes("46000018 12340000 40060000 0a000001 0a000002 94040000");
            Ipv4Header.fillChecksum(buf, AT);
            assertThat(Ipv4Header.isChecksumValid(buf, AT)).isTrue();
            buf.setByte(AT + 21, 5);
            assertThat(Ipv4Header.isChecksumValid(buf, AT)).isFalse();
        }

        @Test
        void refusesWhatDoesNotFit() {
            assertThat(Ipv4Header.isValid(header, AT, 0)).as("nothing").isFalse();
            assertThat(Ipv4Header.isValid(header, AT, 19)).as("cut header").isFalse();
            assertThat(Ipv4Header.isValid(header, AT, 0x72)).as("cut payload").isFalse();
            assertThat(Ipv4Header.isValid(header, AT, 0x80)).as("padding").isTrue();

            ByteBuf bad = header.copy();
            bad.setByte(AT, 0x65);
            assertThat(Ipv4Header.isValid(bad, AT, 0x73)).as("version 6").isFalse();
            bad.setByte(AT, 0x44);
            assertThat(Ipv4Header.isValid(bad, AT, 0x73)).as("IHL of 4").isFalse();
            bad.setByte(AT, 0x4f);
            Ipv4Header.totalLength(bad, AT, 59);
            assertThat(Ipv4Header.isValid(bad, AT, 0x73))
                    .as("total length within header")
                    .isFalse();
        }
    }

    @Nested
    class Ipv6 {
        private final ByteBuf header =
                bytes("6abfedcb 00203a40 fe800000000000000000000000000001 20010db8000000000000000000000002");

        @Test
        void reads() {
            assertThat(Ipv6Header.isValid(header, AT, 72)).isTrue();
            assertThat(Ipv6Header.version(header, AT)).isEqualTo(6);
            assertThat(Ipv6Header.trafficClass(header, AT)).isEqualTo(0xab);
            assertThat(Ipv6Header.flowLabel(header, AT)).isEqualTo(0xf_edcb);
            assertThat(Ipv6Header.payloadLength(header, AT)).isEqualTo(32);
            assertThat(Ipv6Header.nextHeader(header, AT)).isEqualTo(IpProtocol.ICMPV6);
            assertThat(Ipv6Header.hopLimit(header, AT)).isEqualTo(64);
            assertThat(Ipv6Header.sourceHigh(header, AT)).isEqualTo(0xfe80_0000_0000_0000L);
            assertThat(Ipv6Header.sourceLow(header, AT)).isEqualTo(1);
            assertThat(Ipv6Header.destinationHigh(header, AT)).isEqualTo(0x2001_0db8_0000_0000L);
            assertThat(Ipv6Header.destinationLow(header, AT)).isEqualTo(2);
        }

        @Test
        void writes() {
            ByteBuf buf = room(40);
            Ipv6Header.write(
                    buf,
                    AT,
                    0xab,
                    0xf_edcb,
                    32,
                    IpProtocol.ICMPV6,
                    64,
                    0xfe80_0000_0000_0000L,
                    1,
                    0x2001_0db8_0000_0000L,
                    2);
            assertWritten(buf, header);
        }

        @Test
        void setsSingleFields() {
            ByteBuf buf = header.copy();
            Ipv6Header.payloadLength(buf, AT, 0xfedc);
            Ipv6Header.nextHeader(buf, AT, IpProtocol.FRAGMENT);
            assertThat(ByteBufUtil.hexDump(buf, AT, 8)).isEqualTo("6abfedcbfedc2c40");
        }

        @Test
        void refusesWhatDoesNotFit() {
            assertThat(Ipv6Header.isValid(header, AT, 39)).as("cut header").isFalse();
            assertThat(Ipv6Header.isValid(header, AT, 71)).as("cut payload").isFalse();
            ByteBuf bad = header.copy();
            bad.setByte(AT, 0x45);
            assertThat(Ipv6Header.isValid(bad, AT, 72)).as("version 4").isFalse();
        }
    }

    @Nested
    class Tcp {
        private final ByteBuf header =
                bytes("01bbd431 89abcdef fedcba98 8052 fe00 abcd 0007 020405b4 01030307 01010402");

        @Test
        void reads() {
            assertThat(TcpHeader.isValid(header, AT, 32)).isTrue();
            assertThat(TcpHeader.sourcePort(header, AT)).isEqualTo(443);
            assertThat(TcpHeader.destinationPort(header, AT)).isEqualTo(0xd431);
            assertThat(TcpHeader.sequenceNumber(header, AT)).isEqualTo(0x89ab_cdef);
            assertThat(TcpHeader.acknowledgmentNumber(header, AT)).isEqualTo(0xfedc_ba98);
            assertThat(TcpHeader.headerLength(header, AT)).isEqualTo(32);
            assertThat(TcpHeader.flags(header, AT)).isEqualTo(TcpHeader.SYN | TcpHeader.ACK | TcpHeader.ECE);
            assertThat(TcpHeader.window(header, AT)).isEqualTo(0xfe00);
            assertThat(TcpHeader.checksum(header, AT)).isEqualTo(0xabcd);
            assertThat(TcpHeader.urgentPointer(header, AT)).isEqualTo(7);
        }

        @Test
        void writes() {
            ByteBuf buf = room(20);
            int flags = TcpHeader.SYN | TcpHeader.ACK | TcpHeader.ECE;
            TcpHeader.write(buf, AT, 443, 0xd431, 0x89ab_cdef, 0xfedc_ba98, 32, flags, 0xfe00, 7);
            TcpHeader.checksum(buf, AT, 0xabcd);
            assertWritten(buf, header.slice(0, AT + 20));
        }

        @Test
        void setsSingleFields() {
            ByteBuf buf = room(20);
            TcpHeader.write(buf, AT, 1, 2, 0, 0, 20, 0, 0, 0);
            TcpHeader.sequenceNumber(buf, AT, -2);
            TcpHeader.acknowledgmentNumber(buf, AT, -3);
            TcpHeader.headerLength(buf, AT, 60);
            TcpHeader.flags(buf, AT, TcpHeader.CWR | TcpHeader.FIN);
            TcpHeader.window(buf, AT, 0xffff);
            TcpHeader.urgentPointer(buf, AT, 0xfffe);
            assertThat(ByteBufUtil.hexDump(buf, AT, 20)).isEqualTo("00010002fffffffefffffffdf081ffff0000fffe");
        }

        @Test
        void refusesWhatDoesNotFit() {
            assertThat(TcpHeader.isValid(header, AT, 19)).as("cut header").isFalse();
            assertThat(TcpHeader.isValid(header, AT, 31)).as("cut options").isFalse();
            ByteBuf bad = header.copy();
            TcpHeader.headerLength(bad, AT, 16);
            assertThat(TcpHeader.isValid(bad, AT, 32)).as("data offset of 4").isFalse();
        }
    }

    @Nested
    class Udp {
        private final ByteBuf header = bytes("d0350035 00201234");

        @Test
        void reads() {
            assertThat(UdpHeader.isValid(header, AT, 32)).isTrue();
            assertThat(UdpHeader.sourcePort(header, AT)).isEqualTo(0xd035);
            assertThat(UdpHeader.destinationPort(header, AT)).isEqualTo(53);
            assertThat(UdpHeader.length(header, AT)).isEqualTo(32);
            assertThat(UdpHeader.checksum(header, AT)).isEqualTo(0x1234);
        }

        @Test
        void writes() {
            ByteBuf buf = room(8);
            UdpHeader.write(buf, AT, 0xd035, 53, 9, 0);
            UdpHeader.length(buf, AT, 32);
            UdpHeader.checksum(buf, AT, 0x1234);
            assertWritten(buf, header);
        }

        @Test
        void refusesWhatDoesNotFit() {
            assertThat(UdpHeader.isValid(header, AT, 7)).as("cut header").isFalse();
            assertThat(UdpHeader.isValid(header, AT, 31)).as("cut payload").isFalse();
            assertThat(UdpHeader.isValid(header, AT, 33)).as("padding").isTrue();
            ByteBuf bad = header.copy();
            UdpHeader.length(bad, AT, 7);
            assertThat(UdpHeader.isValid(bad, AT, 32))
                    .as("length within header")
                    .isFalse();
        }
    }

    @Nested
    class Icmp {
        @Test
        void readsAndWritesAnEcho() {
            ByteBuf header = bytes("0800f7ff fedc0102");
            assertThat(IcmpHeader.type(header, AT)).isEqualTo(IcmpHeader.ECHO_REQUEST);
            assertThat(IcmpHeader.code(header, AT)).isZero();
            assertThat(IcmpHeader.checksum(header, AT)).isEqualTo(0xf7ff);
            assertThat(IcmpHeader.identifier(header, AT)).isEqualTo(0xfedc);
            assertThat(IcmpHeader.sequenceNumber(header, AT)).isEqualTo(0x0102);

            ByteBuf buf = room(8);
            IcmpHeader.writeEcho(buf, AT, IcmpHeader.ECHO_REQUEST, 0xfedc, 0x0102);
            IcmpHeader.checksum(buf, AT, 0xf7ff);
            assertWritten(buf, header);
        }

        @Test
        void readsFragmentationNeeded() {
            ByteBuf header = bytes("0304abcd 000005dc");
            assertThat(IcmpHeader.type(header, AT)).isEqualTo(IcmpHeader.DESTINATION_UNREACHABLE);
            assertThat(IcmpHeader.code(header, AT)).isEqualTo(IcmpHeader.FRAGMENTATION_NEEDED);
            assertThat(IcmpHeader.nextHopMtu(header, AT)).isEqualTo(1500);
        }

        @Test
        void readsPointerAndGateway() {
            assertThat(IcmpHeader.pointer(bytes("0c000000 fe000000"), AT)).isEqualTo(254);
            assertThat(IcmpHeader.gatewayAddress(bytes("05010000 c0a80001"), AT))
                    .isEqualTo(0xc0a8_0001);
        }

        @Test
        void needsEightBytes() {
            assertThat(IcmpHeader.isValid(8)).isTrue();
            assertThat(IcmpHeader.isValid(7)).isFalse();
        }
    }

    @Nested
    class Icmpv6 {
        @Test
        void readsAndWritesAnEcho() {
            ByteBuf header = bytes("81009abc fedc0102");
            assertThat(Icmpv6Header.type(header, AT)).isEqualTo(Icmpv6Header.ECHO_REPLY);
            assertThat(Icmpv6Header.code(header, AT)).isZero();
            assertThat(Icmpv6Header.checksum(header, AT)).isEqualTo(0x9abc);
            assertThat(Icmpv6Header.identifier(header, AT)).isEqualTo(0xfedc);
            assertThat(Icmpv6Header.sequenceNumber(header, AT)).isEqualTo(0x0102);

            ByteBuf buf = room(8);
            Icmpv6Header.writeEcho(buf, AT, Icmpv6Header.ECHO_REPLY, 0xfedc, 0x0102);
            Icmpv6Header.checksum(buf, AT, 0x9abc);
            assertWritten(buf, header);
        }

        @Test
        void readsPacketTooBig() {
            ByteBuf header = bytes("02000000 00000500");
            assertThat(Icmpv6Header.type(header, AT)).isEqualTo(Icmpv6Header.PACKET_TOO_BIG);
            assertThat(Icmpv6Header.word(header, AT)).isEqualTo(1280);
        }

        @Test
        void tellsErrorsFromTheRest() {
            assertThat(Icmpv6Header.isError(Icmpv6Header.PARAMETER_PROBLEM)).isTrue();
            assertThat(Icmpv6Header.isError(127)).isTrue();
            assertThat(Icmpv6Header.isError(Icmpv6Header.ECHO_REQUEST)).isFalse();
        }

        @Test
        void needsEightBytes() {
            assertThat(Icmpv6Header.isValid(8)).isTrue();
            assertThat(Icmpv6Header.isValid(7)).isFalse();
        }
    }

    @Nested
    class VirtioNet {
        @Test
        void readsASuperSegment() {
            // As Linux 6 hands it over: TCP over IPv4 with ECN, headers of 66 bytes, segments of 1,448 bytes, checksum
            // at 34 + 16.
            ByteBuf header = bytes("01 81 4200 a805 2200 1000");
            assertThat(VirtioNetHeader.flags(header, AT)).isEqualTo(VirtioNetHeader.NEEDS_CSUM);
            assertThat(VirtioNetHeader.gsoType(header, AT))
                    .isEqualTo(VirtioNetHeader.GSO_TCPV4 | VirtioNetHeader.GSO_ECN);
            assertThat(VirtioNetHeader.headerLength(header, AT)).isEqualTo(66);
            assertThat(VirtioNetHeader.gsoSize(header, AT)).isEqualTo(1448);
            assertThat(VirtioNetHeader.checksumStart(header, AT)).isEqualTo(34);
            assertThat(VirtioNetHeader.checksumOffset(header, AT)).isEqualTo(16);

            ByteBuf buf = room(10);
            VirtioNetHeader.clear(buf, AT, VirtioNetHeader.LENGTH);
            VirtioNetHeader.requestChecksum(buf, AT, 34, 16);
            VirtioNetHeader.requestSegmentation(buf, AT, 0x81, 1448, 66);
            assertWritten(buf, header);
        }

        @Test
        void writesTheLongForm() {
            ByteBuf buf = room(12);
            VirtioNetHeader.clear(buf, AT, VirtioNetHeader.LENGTH_MERGEABLE);
            VirtioNetHeader.markValid(buf, AT);
            assertWritten(buf, bytes("02 00 0000 0000 0000 0000 0000"));
        }
    }
}
