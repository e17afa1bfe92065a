/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/** Reading and writing the headers of a segment over IPv4. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class HeadersBenchmark {
    private static final int IP = EthernetHeader.LENGTH;
    private static final int TCP = IP + Ipv4Header.MIN_LENGTH;
    private static final int BYTES = TCP + TcpHeader.MIN_LENGTH;
    private static final long MAC = 0x0200_0000_0001L;
    private static final int ADDRESS = 0x0a00_0001;

    private ByteBuf frame;
    private int sequence;

    @Setup
    public void fill() {
        frame = Unpooled.directBuffer(BYTES, BYTES).writerIndex(BYTES);
        write();
    }

    @TearDown
    public void release() {
        frame.release();
    }

    @Benchmark
    public ByteBuf write() {
        EthernetHeader.write(frame, 0, MAC, MAC + 1, EtherType.IPV4);
        Ipv4Header.write(
                frame, IP, 0, BYTES - IP, 0, Ipv4Header.DONT_FRAGMENT, 64, IpProtocol.TCP, ADDRESS, ADDRESS + 1);
        TcpHeader.write(frame, TCP, 80, 40_000, sequence++, 0, TcpHeader.MIN_LENGTH, TcpHeader.ACK, 65_535, 0);
        return frame;
    }

    @Benchmark
    public void read(Blackhole to) {
        if (!Ipv4Header.isValid(frame, IP, BYTES - IP)
                || !Ipv4Header.isChecksumValid(frame, IP)
                || !TcpHeader.isValid(frame, TCP, BYTES - TCP)) {
            throw new IllegalStateException("a header that was written is not valid");
        }
        to.consume(EthernetHeader.type(frame, 0));
        to.consume(Ipv4Header.totalLength(frame, IP));
        to.consume(Ipv4Header.isFragment(frame, IP));
        to.consume(Ipv4Header.source(frame, IP));
        to.consume(Ipv4Header.destination(frame, IP));
        to.consume(TcpHeader.sourcePort(frame, TCP));
        to.consume(TcpHeader.destinationPort(frame, TCP));
        to.consume(TcpHeader.sequenceNumber(frame, TCP));
        to.consume(TcpHeader.acknowledgmentNumber(frame, TCP));
        to.consume(TcpHeader.flags(frame, TCP));
        to.consume(TcpHeader.window(frame, TCP));
    }
}
