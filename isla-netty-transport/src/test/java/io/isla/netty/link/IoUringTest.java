/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.isla.netty.testing.KernelTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.IovArray;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Several operations in one system call, on pipes, which hold 64 KiB. */
@KernelTest
class IoUringTest {
    private final ByteBuf memory = Unpooled.directBuffer(1 << 17, 1 << 17).writeZero(1 << 17);
    private final long address = memory.memoryAddress();
    private FileDescriptor in;
    private FileDescriptor out;

    @BeforeEach
    void openPipe() throws IOException {
        // Loads what makes pipes.
        Epoll.ensureAvailability();
        FileDescriptor[] pipe = FileDescriptor.pipe();
        in = pipe[0];
        out = pipe[1];
    }

    @AfterEach
    void closePipe() throws IOException {
        in.close();
        out.close();
        memory.release();
    }

    private static IoUring open(FileDescriptor fd) {
        IoUring ring = IoUring.open(fd);
        assumeTrue(ring != null, "the kernel lets us use io_uring");
        return ring;
    }

    @Test
    void writesAndReadsInTheirOrderManyTimesOver() {
        IoUring writer = open(out);
        IoUring reader = open(in);
        byte next = 0;
        for (int round = 0; round < 1000; round++) {
            int count = 1 + round % IoUring.ENTRIES;
            for (int i = 0; i < count; i++) {
                memory.setByte(i, next + i);
                writer.write(address + i, 1);
            }
            assertThat(writer.submit()).isEqualTo(count);
            for (int i = 0; i < count; i++) {
                assertThat(writer.result(i)).isEqualTo(1);
                reader.read(address + 1000 + i, 1);
            }
            assertThat(reader.submit()).isEqualTo(count);
            for (int i = 0; i < count; i++) {
                assertThat(reader.result(i)).isEqualTo(1);
                assertThat(memory.getByte(1000 + i)).isEqualTo(next++);
            }
        }
        writer.close();
        reader.close();
    }

    @Test
    void gathers() {
        IoUring writer = open(out);
        IoUring reader = open(in);
        memory.setCharSequence(0, "islaTCP", StandardCharsets.US_ASCII);
        IovArray pieces = new IovArray(2);
        pieces.add(memory, 4, 3);
        pieces.add(memory, 0, 4);
        writer.writev(pieces.memoryAddress(0), pieces.count());
        assertThat(writer.submit()).isEqualTo(1);
        assertThat(writer.result(0)).isEqualTo(7);
        reader.read(address + 100, 50);
        reader.submit();
        assertThat(reader.result(0)).isEqualTo(7);
        assertThat(memory.toString(100, 7, StandardCharsets.US_ASCII)).isEqualTo("TCPisla");
        pieces.release();
        writer.close();
        reader.close();
    }

    @Test
    void doesNotWait() throws IOException {
        IoUring reader = open(in);
        IoUring writer = open(out);
        reader.read(address, 10);
        reader.read(address, 10);
        assertThat(reader.submit()).isEqualTo(2);
        assertThat(reader.result(0)).isEqualTo(-Linux.EAGAIN);
        assertThat(reader.result(1)).isEqualTo(-Linux.EAGAIN);
        writer.write(address, 1 << 16);
        writer.write(address, 1);
        assertThat(writer.submit()).isEqualTo(2);
        assertThat(writer.result(0)).isEqualTo(1 << 16);
        assertThat(writer.result(1)).isEqualTo(-Linux.EAGAIN);
        // What found nothing does not take anything later, either.
        assertThat(in.readAddress(address, 0, 1 << 17)).isEqualTo(1 << 16);
        reader.close();
        writer.close();
    }

    @Test
    void isOfNoUseWithAFileThatCannotDoWithoutWaiting() throws IOException {
        FileDescriptor comm = FileDescriptor.from("/proc/self/comm");
        IoUring ring = open(comm);
        ring.write(address, 1);
        ring.write(address, 1);
        assertThat(ring.submit()).isZero();
        assertThat(ring.isUsable()).isFalse();
        ring.write(address, 1);
        assertThat(ring.submit()).isZero();
        ring.close();
        ring.close();
        comm.close();
    }
}
