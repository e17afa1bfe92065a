/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.testing.ScriptedPeer;
import io.isla.netty.wire.IpAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is kept of connections in TIME-WAIT, bit by bit, and the order in which it ends. */
class TimeWaitTableTest {
    private static final long LOCAL = IpAddress.v4Low(0x0a00_0001);

    private final ScriptedPeer peer = new ScriptedPeer();
    private final TcpStack stack = peer.host.shard().tcp();
    private final TimeWaitTable table = new TimeWaitTable(stack.flows);

    @AfterEach
    void close() {
        peer.close();
    }

    /** Connections that differ in all that is kept. */
    private TcpConnection connection(int i) {
        boolean v6 = i % 3 == 0;
        TcpConnection c = new TcpConnection(
                stack,
                new TcpSettings().trafficClass(i * 4 & 0xff),
                v6 ? 0xfd00_0000_0000_0000L : 0,
                v6 ? 1 : LOCAL,
                i % 2 == 0 ? 0xffff : 80,
                v6 ? 0xfd00_0000_0000_0000L + i % 5 : 0,
                v6 ? ~(long) i : IpAddress.v4Low(0xffff_0000 + i % 7),
                0xffff - i);
        c.sndNxt = i * 0x9e37_79b9;
        c.rcvNxt = ~i;
        c.tsRecent = i << 20;
        c.timestampOffset = -i;
        c.rcvScale = (byte) (i % 15);
        c.timestampsOn = i % 5 == 0;
        return c;
    }

    private TimeWait get(TcpConnection c) {
        return table.get(c.localHigh, c.localLow, c.localPort, c.remoteHigh, c.remoteLow, c.remotePort);
    }

    private void assertKept(TcpConnection c, long deadline) {
        TimeWait entry = get(c);
        assertThat(entry).isNotNull();
        assertThat(entry.localHigh).isEqualTo(c.localHigh);
        assertThat(entry.localLow).isEqualTo(c.localLow);
        assertThat(entry.localPort).isEqualTo(c.localPort);
        assertThat(entry.remoteHigh).isEqualTo(c.remoteHigh);
        assertThat(entry.remoteLow).isEqualTo(c.remoteLow);
        assertThat(entry.remotePort).isEqualTo(c.remotePort);
        assertThat(entry.sndNxt).isEqualTo(c.sndNxt);
        assertThat(entry.rcvNxt).isEqualTo(c.rcvNxt);
        assertThat(entry.rcvWnd).isEqualTo(c.rcvWnd());
        assertThat(entry.tsRecent).isEqualTo(c.tsRecent);
        assertThat(entry.timestampOffset).isEqualTo(c.timestampOffset);
        assertThat(entry.rcvScale).isEqualTo(c.rcvScale);
        assertThat(entry.trafficClass & 0xff).isEqualTo(c.settings.trafficClass);
        assertThat(entry.timestamps).isEqualTo(c.timestampsOn);
        assertThat(entry.deadline).isEqualTo(deadline);
    }

    @Test
    void keepsWhatSegmentsAreJudgedBy() {
        for (int i = 0; i < 100; i++) {
            table.add(connection(i), 1000 + i);
        }
        for (int i = 0; i < 100; i++) {
            assertKept(connection(i), 1000 + i);
            assertThat(get(connection(i)).acked).isFalse();
        }
        assertThat(get(connection(100))).isNull();
    }

    /** Two connections whose 4-tuples have the same hash, and differ in one number of their addresses. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void tellsApartWhatHasTheSameHash(int number) {
        Map<Integer, Long> values = new HashMap<>();
        long value = 0;
        Long other = null;
        while (other == null) {
            value++;
            long[] a = address(number, value);
            other = values.put(stack.flows.hash(a[0], a[1], 80, a[2], a[3], 5000), value);
        }
        TcpConnection one = connection(address(number, value));
        TcpConnection two = connection(address(number, other));
        table.add(one, 1);
        assertThat(get(two)).isNull();
        table.add(two, 2);
        assertThat(get(one).deadline).isEqualTo(1);
        assertThat(get(two).deadline).isEqualTo(2);
        table.remove(get(one));
        assertThat(get(one)).isNull();
        assertThat(get(two).deadline).isEqualTo(2);
    }

    private static long[] address(int number, long value) {
        long[] address = {0xfd00_0000_0000_0000L, 1, 0xfd00_0000_0000_0000L, 2};
        address[number] = value;
        return address;
    }

    private TcpConnection connection(long[] a) {
        return new TcpConnection(stack, new TcpSettings(), a[0], a[1], 80, a[2], a[3], 5000);
    }

    @Test
    void remembersAnAcknowledgementAndForgetsItWithTheRecord() {
        table.add(connection(1), 1);
        table.add(connection(2), 2);
        table.acked(get(connection(1)), -5);
        assertThat(get(connection(1)).acked).isTrue();
        assertThat(get(connection(1)).lastAckAt).isEqualTo(-5);
        assertThat(get(connection(2)).acked).isFalse();
        table.remove(get(connection(1)));
        table.add(connection(1), 3);
        assertThat(get(connection(1)).acked).isFalse();
        assertKept(connection(1), 3);
    }

    /** Against a list, over several pages of records, and more than once from many to none. */
    @Test
    void endsInTheOrderOfItsLastWord() {
        Random random = new Random(20);
        List<Integer> order = new ArrayList<>();
        List<Integer> absent = new ArrayList<>();
        long[] deadlines = new long[3000];
        for (int i = 0; i < deadlines.length; i++) {
            absent.add(i);
        }
        long clock = 0;
        for (int round = 0; round < 3; round++) {
            for (int step = 0; step < 12_000 || !order.isEmpty(); step++) {
                int what = random.nextInt(10);
                clock++;
                if (step < 10_000 && what < 5 && !absent.isEmpty()) {
                    int i = absent.remove(random.nextInt(absent.size()));
                    table.add(connection(i), deadlines[i] = clock);
                    order.add(i);
                } else if (order.isEmpty()) {
                    assertThat(table.first()).isNull();
                } else if (what < 7) {
                    int i = order.remove(random.nextInt(order.size()));
                    table.renew(get(connection(i)), deadlines[i] = clock);
                    order.add(i);
                } else if (what < 9) {
                    int i = order.remove(random.nextInt(order.size()));
                    table.remove(get(connection(i)));
                    assertThat(get(connection(i))).isNull();
                    absent.add(i);
                } else {
                    int i = order.remove(0);
                    assertThat(table.firstDeadline()).isEqualTo(deadlines[i]);
                    assertThat(table.first().remotePort).isEqualTo(0xffff - i);
                    table.remove(table.first());
                    absent.add(i);
                }
                assertThat(table.size()).isEqualTo(order.size());
            }
            assertThat(table.first()).isNull();
        }
        for (int i = 0; i < deadlines.length; i++) {
            table.add(connection(i), i);
        }
        for (int i = 0; i < deadlines.length; i++) {
            assertKept(connection(i), i);
        }
        List<Integer> ports = new ArrayList<>();
        table.forEach((localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort) -> ports.add(remotePort));
        assertThat(ports).hasSize(deadlines.length).startsWith(0xffff, 0xfffe).endsWith(0xffff - 2999);
    }
}
