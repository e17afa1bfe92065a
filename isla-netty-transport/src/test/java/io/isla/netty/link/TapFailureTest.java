/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static io.isla.netty.link.IpCommand.ip;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isla.netty.link.TestFrames.Flow;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.netty.buffer.ByteBufAllocator;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.assertj.core.api.AbstractThrowableAssert;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user reads when a TAP does not work, and what becomes of an event loop when it stops working. */
@KernelTest
class TapFailureTest {
    private static final String HOST = "10.96.0.1";
    private static final String ISLA = "10.96.0.2";

    private static AbstractThrowableAssert<?, ? extends Throwable> assertIoException(ThrowingCallable call) {
        return assertThatThrownBy(call).isInstanceOf(IOException.class);
    }

    @Test
    void saysThatThereIsNoSuchDevice() {
        assertIoException(() -> TapLink.builder("tap3").create(false).open())
                .hasMessage("there is no TAP device tap3; create it: ip tuntap add mode tap name tap3"
                        + " (or allow it to be created)");
    }

    @Test
    void saysThatAnotherProgramHasIt() throws Exception {
        try (TapLink link = TapLink.builder("tap3").open()) {
            assertThat(link.name()).isEqualTo("tap3");
            assertIoException(() -> TapLink.builder("tap3").open())
                    .hasMessageStartingWith("cannot open TAP tap3: TUNSETIFF: Device or resource busy; ")
                    .hasMessageContaining("another program has it open")
                    .hasMessageContaining("ip tuntap add mode tap multi_queue name tap3");
        }
    }

    @Test
    void saysWhatAnInterfaceOfAnotherKindIs() throws Exception {
        ip("tuntap add mode tun name tun3");
        ip("link add veth3 type veth peer name veth4");
        try {
            assertIoException(() -> TapLink.builder("tun3").open())
                    .hasMessage(
                            "cannot open TAP tun3: TUNSETIFF: Invalid argument; it is a TUN device; use another name");
            assertIoException(() -> TapLink.builder("veth3").queues(2).open())
                    .hasMessageEndingWith("it is a device of driver veth; use another name");
            assertIoException(() -> TapLink.builder("lo").open())
                    .hasMessageEndingWith("it is not a TAP device; use another name");
        } finally {
            ip("tuntap del mode tun name tun3");
            ip("link del veth3");
        }
    }

    @Test
    void saysHowToGetTheRightToCreateOne() {
        assertIoException(() -> WithoutCapabilities.call(TapLink.builder("tap3")::open))
                .hasMessage("cannot create TAP tap3: TUNSETIFF: Operation not permitted; run as root (CAP_NET_ADMIN),"
                        + " or create it for your user: ip tuntap add mode tap user $USER name tap3");
    }

    @Test
    void saysThatItBelongsToAnotherUser() throws Exception {
        ip("tuntap add mode tap user 0 name tap3");
        ip("link set dev tap3 up");
        try {
            // Root's, without capabilities, still is root's.
            WithoutCapabilities.call(TapLink.builder("tap3")::open).close();
            ip("tuntap del mode tap name tap3");
            ip("tuntap add mode tap name tap3 group 1");
            assertIoException(() -> WithoutCapabilities.call(TapLink.builder("tap3")::open))
                    .hasMessageStartingWith(
                            "cannot open TAP tap3: TUNSETIFF: Operation not permitted; it belongs to another user: ")
                    .hasMessageContaining(
                            "ip tuntap del mode tap name tap3 && ip tuntap add mode tap user $USER name tap3");
        } finally {
            ip("tuntap del mode tap name tap3");
        }
    }

    @Test
    void saysHowToSetUpADeviceByHandIfItMayNot() throws Exception {
        ip("tuntap add mode tap user 0 name tap3");
        try {
            assertIoException(() -> WithoutCapabilities.call(TapLink.builder("tap3")::open))
                    .hasMessage(
                            "cannot bring tap3 up: SIOCSIFFLAGS: Operation not permitted; run as root (CAP_NET_ADMIN),"
                                    + " or do it beforehand: ip link set dev tap3 up");
            ip("link set dev tap3 up");
            assertIoException(() -> WithoutCapabilities.call(
                            TapLink.builder("tap3").hostAddress(InetAddress.getByName(HOST), 24)::open))
                    .hasMessageStartingWith("cannot give tap3 the address 10.96.0.1/24: ")
                    .hasMessageEndingWith("ip address add 10.96.0.1/24 dev tap3");
            assertIoException(() ->
                            WithoutCapabilities.call(TapLink.builder("tap3").mtu(1400)::open))
                    .hasMessageEndingWith("ip link set dev tap3 mtu 1400");
            assertIoException(() ->
                            WithoutCapabilities.call(TapLink.builder("tap3").transmitQueueLength(10)::open))
                    .hasMessageEndingWith("ip link set dev tap3 txqueuelen 10");
            assertIoException(() -> WithoutCapabilities.call(
                            TapLink.builder("tap3").hostMacAddress(new MacAddress(0x0200_0000_0001L))::open))
                    .hasMessageEndingWith("ip link set dev tap3 address 02:00:00:00:00:01");

            // And having done so is enough.
            ip("address add 10.96.0.1/24 dev tap3");
            ip("address add fd96::1/64 dev tap3");
            ip("link set dev tap3 mtu 1400");
            ip("link set dev tap3 txqueuelen 10");
            ip("link set dev tap3 address 02:00:00:00:00:01");
            WithoutCapabilities.call(TapLink.builder("tap3")
                            .hostAddress(InetAddress.getByName(HOST), 24)
                            .hostAddress(InetAddress.getByName("fd96::1"), 64)
                            .mtu(1400)
                            .transmitQueueLength(10)
                            .hostMacAddress(new MacAddress(0x0200_0000_0001L))::open)
                    .close();
            assertIoException(() -> WithoutCapabilities.call(
                            TapLink.builder("tap3").hostAddress(InetAddress.getByName(HOST), 25)::open))
                    .hasMessageEndingWith("ip address add 10.96.0.1/25 dev tap3");
        } finally {
            ip("tuntap del mode tap name tap3");
        }
    }

    @Test
    void saysThatIpv6IsSwitchedOff() throws Exception {
        try (TapLink link = TapLink.builder("tap3").open()) {
            assertThat(link.name()).isEqualTo("tap3");
            Files.writeString(Path.of("/proc/sys/net/ipv6/conf/tap3/disable_ipv6"), "1");
            assertIoException(() ->
                            new HostInterface("tap3").addAddress(IpAddress.of(InetAddress.getByName("fd00::1")), 64))
                    .hasMessageStartingWith("cannot give tap3 the address fd00:0:0:0:0:0:0:1/64: ")
                    .hasMessageEndingWith("sysctl net.ipv6.conf.tap3.disable_ipv6=0");
        }
    }

    @Test
    void saysThatTheDeviceRefusesAValue() throws Exception {
        try (TapLink link = TapLink.builder("tap3").open()) {
            assertIoException(() -> new HostInterface(link.name()).setMtu(70_000))
                    .hasMessage(
                            "cannot set the MTU of tap3 to 70000: SIOCSIFMTU: Invalid argument; the device refuses this value");
        }
        assertIoException(() -> new HostInterface("tap3").setMtu(1400))
                .hasMessageEndingWith("the device has been deleted meanwhile; try again");
    }

    @Test
    void saysHowToGetTheDriver(@TempDir Path directory) throws Exception {
        String missing = directory.resolve("tun").toString();
        assertIoException(() -> TunDevice.openTun(missing))
                .hasMessageStartingWith("cannot open " + missing + ": No such file or directory; ")
                .hasMessageContaining("modprobe tun")
                .hasMessageContaining("docker run --device");

        Path forbidden = Files.createFile(
                directory.resolve("forbidden"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("---------")));
        assertIoException(() -> WithoutCapabilities.call(() -> TunDevice.openTun(forbidden.toString())))
                .hasMessage("cannot open " + forbidden
                        + ": Permission denied; run as root, or let your user open it: chmod 666 " + forbidden);

        assertIoException(() -> TunDevice.openTun(directory.toString()))
                .hasMessageEndingWith("character device 10, 200");
    }

    @Test
    void leavesNothingBehindWhenItFails() throws Exception {
        assertIoException(() -> TapLink.builder("tap3")
                        .hostAddress(InetAddress.getByName("fd00::1"), 64)
                        .mtu(1279)
                        .open())
                .hasMessageEndingWith("IPv6 needs an MTU of 1280 or more, and it has 1279");
        assertThat(NetworkInterface.getByName("tap3")).isNull();
    }

    @Test
    void noticesThatTheDeviceGoesDownAndComesUp() throws Exception {
        TapLink link = TapLink.builder("tap3")
                .hostAddress(InetAddress.getByName(HOST), 24)
                .open();
        try (TapBench bench = new TapBench(link, ISLA)) {
            ip("link set dev tap3 down");
            assertThat(bench.awaitEvent()).isEqualTo("down: TAP tap3 is down; bring it up: ip link set dev tap3 up");
            int handled = bench.handled();

            Flow flow = bench.flow(4000, HOST, 4000);
            for (int i = 0; i < 50; i++) {
                bench.send(frame -> TestFrames.udp(frame, flow));
            }
            assertThat(bench.queue.count(LinkCounter.TX_LINK_DOWN)).isEqualTo(50);
            assertThat(bench.handled()).as("events while down").isEqualTo(handled);

            ip("link set dev tap3 up");
            assertThat(bench.awaitEvent()).isEqualTo("up");
            try (DatagramSocket socket = new DatagramSocket(new InetSocketAddress(HOST, 0))) {
                socket.send(new DatagramPacket(new byte[9], 9, InetAddress.getByName(ISLA), 4000));
                bench.await(TapBench.to(IpProtocol.UDP, 4000));
            }
            assertThat(bench.events).isEmpty();
        }
    }

    @Test
    void noticesThatTheDeviceWasDownBeforeItListened() throws Exception {
        TapLink link = TapLink.builder("tap3").open();
        ip("link set dev tap3 down");
        try (TapBench bench = new TapBench(link, ISLA)) {
            assertThat(bench.awaitEvent()).startsWith("down: ");
        }
    }

    @Test
    void saysOnceThatTheDeviceIsGoneAndLeavesTheLoopInPeace() throws Exception {
        for (int queues = 1; queues <= 2; queues++) {
            TapLink link = TapLink.builder("tap3")
                    .hostAddress(InetAddress.getByName(HOST), 24)
                    .queues(queues)
                    .open();
            try (TapBench bench = new TapBench(link, ISLA)) {
                Flow flow = bench.flow(4000, HOST, 4000);
                ip("link del tap3");
                String event = bench.awaitEvent();
                while (event.startsWith("down")) {
                    event = bench.awaitEvent();
                }
                assertThat(event)
                        .isEqualTo(
                                "failure: TAP tap3 is gone: it was deleted while in use; open a new link, which creates it again");
                bench.onLoop(() -> null);
                int handled = bench.handled();
                for (int i = 0; i < 50; i++) {
                    bench.send(frame -> TestFrames.udp(frame, flow));
                }
                assertThat(bench.queue.count(LinkCounter.TX_LINK_DOWN)).isEqualTo(50);
                assertThat(bench.handled()).as("events when gone").isEqualTo(handled);
                assertThat(bench.events).isEmpty();
            }
        }
    }

    @Test
    void noticesThatTheDeviceIsGoneWhenItSends() throws Exception {
        TapLink link = TapLink.builder("tap3").open();
        CollectingReceiver receiver = new CollectingReceiver();
        LinkQueue queue = link.openQueue(receiver, () -> {}, ByteBufAllocator.DEFAULT);
        OutboundFrame frame = new OutboundFrame();
        frame.append(60);
        ip("link set dev tap3 down");
        queue.transmit(frame);
        assertThat(receiver.events).as("while it is sending").isEmpty();
        queue.flush();
        assertThat(receiver.events).containsExactly("down");
        ip("link set dev tap3 up");
        queue.transmit(frame);
        queue.flush();
        assertThat(receiver.events).containsExactly("down", "up");
        ip("link del tap3");
        queue.transmit(frame);
        queue.transmit(frame);
        queue.flush();
        queue.flush();
        assertThat(receiver.events).containsExactly("down", "up", "failure");
        assertThat(queue.count(LinkCounter.TX_LINK_DOWN)).isEqualTo(3);
        assertThat(queue.poll(10)).isZero();
        queue.close();
        frame.release();
        link.close();
    }

    @Test
    void tellsOpenQueuesThatTheLinkWasClosed() throws Exception {
        TapLink link = TapLink.builder("tap3").open();
        try (TapBench bench = new TapBench(link, ISLA)) {
            link.close();
            assertThat(bench.awaitEvent()).isEqualTo("failure: the link over TAP tap3 was closed");
            assertThat(bench.wakeups).hasValue(1);
            assertIoException(() -> link.openQueue(new Ignoring(), () -> {}, ByteBufAllocator.DEFAULT))
                    .hasMessage("the link over TAP tap3 was closed");
            assertThat(NetworkInterface.getByName("tap3"))
                    .as("while a queue is open")
                    .isNotNull();
        }
        assertThat(NetworkInterface.getByName("tap3")).isNull();
    }
}
