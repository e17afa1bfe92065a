/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static io.isla.netty.link.IpCommand.ip;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.testing.KernelTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a TUN has other than a TAP; {@link TapLinkTest} and the tests beside it show what they have in common. */
class TunLinkTest {
    @Test
    void refusesNamesAndValuesAsATapDoes() {
        assertThatThrownBy(() -> TunLink.builder("a/b")).hasMessageStartingWith("the name of a TUN device is made of");
        assertThat(TunLink.builder("tun0").mtu(65_535)).isNotNull();
        assertThatThrownBy(() -> TunLink.builder("tun0").mtu(65_536)).hasMessage("mtu: 65536 is not in 68 to 65535");
    }

    @Test
    @KernelTest
    void createsAPointToPointDevice() throws Exception {
        try (TunLink link = TunLink.builder("tun2")
                .hostAddress(InetAddress.getByName("10.92.0.1"), 24)
                .mtu(9000)
                .open()) {
            NetworkInterface device = NetworkInterface.getByName("tun2");
            assertThat(device.isUp()).isTrue();
            assertThat(device.isPointToPoint()).isTrue();
            assertThat(device.getMTU()).isEqualTo(9000);
            assertThat(device.getHardwareAddress()).isNull();
            assertThat(link.medium()).isEqualTo(Link.Medium.IP);
            assertThat(link.mtu()).isEqualTo(9000);
            assertThat(link.isOffloading()).isTrue();
        }
        assertThat(NetworkInterface.getByName("tun2")).isNull();
    }

    @Test
    @KernelTest
    void saysWhatAnInterfaceOfAnotherKindIs() throws Exception {
        ip("tuntap add mode tap name tap9");
        try {
            assertThatThrownBy(() -> TunLink.builder("tap9").open())
                    .isInstanceOf(IOException.class)
                    .hasMessage(
                            "cannot open TUN tap9: TUNSETIFF: Invalid argument; it is a TAP device; use another name");
            assertThatThrownBy(() -> TunLink.builder("lo").open())
                    .hasMessageEndingWith("it is not a TUN device; use another name");
            assertThatThrownBy(() -> TunLink.builder("tun2").create(false).open())
                    .hasMessage("there is no TUN device tun2; create it: ip tuntap add mode tun name tun2"
                            + " (or allow it to be created)");
        } finally {
            ip("tuntap del mode tap name tap9");
        }
    }

    @Test
    @KernelTest
    void saysThatTheDeviceIsDownAndUpAgain() throws Exception {
        List<String> events = new ArrayList<>();
        LinkReceiver receiver = new LinkReceiver() {
            @Override
            public void onFrame(InboundFrame frame) {
                events.add("frame");
            }

            @Override
            public void onLinkFailure(IOException cause) {
                events.add(cause.getMessage());
            }

            @Override
            public void onLinkDown(IOException cause) {
                events.add(cause.getMessage());
            }

            @Override
            public void onLinkUp() {
                events.add("up");
            }
        };
        OutboundFrame frame = new OutboundFrame();
        TunLink link = TunLink.builder("tun2")
                .hostAddress(InetAddress.getByName("10.92.0.1"), 24)
                .open();
        LinkQueue queue = link.openQueue(receiver, () -> {}, ByteBufAllocator.DEFAULT);
        try {
            ip("link set dev tun2 down");
            ping(frame, queue);
            ip("link set dev tun2 up");
            ping(frame, queue);
            assertThat(events).containsExactly("TUN tun2 is down; bring it up: ip link set dev tun2 up", "up");
            assertThat(queue.count(LinkCounter.TX_LINK_DOWN)).isEqualTo(1);
            assertThat(queue.count(LinkCounter.TX_FRAMES)).isEqualTo(1);
            events.clear();
            link.close();
            queue.poll(100);
            assertThat(events).contains("the link over TUN tun2 was closed");
        } finally {
            queue.close();
            link.close();
            frame.release();
        }
    }

    /** A packet of IPv4 that nobody wants. */
    private static void ping(OutboundFrame frame, LinkQueue queue) {
        ByteBuf header = frame.reset().header();
        int at = frame.append(20);
        header.setZero(at, 20);
        header.setByte(at, 0x45);
        header.setShort(at + 2, 20);
        queue.transmit(frame);
        queue.flush();
    }
}
