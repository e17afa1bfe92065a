/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultFileRegion;
import io.netty.channel.FileRegion;
import io.netty.util.AbstractReferenceCounted;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Files, and what else writes itself. */
@Timeout(TwoHosts.DEADLINE_SECONDS)
class FileRegionTest {
    @RegisterExtension
    final TwoHosts hosts = new TwoHosts();

    @TempDir
    Path directory;

    private Path file(byte[] content) throws IOException {
        return Files.write(directory.resolve("file"), content);
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    @Test
    void aPieceOfAFileArrivesBetweenBuffers() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log);
        byte[] content = random(3_000_000);
        Path file = file(content);

        pair.client().write(Unpooled.wrappedBuffer(content, 0, 1_000));
        pair.client().write(new DefaultFileRegion(file.toFile(), 0, 0));
        FileRegion region = new DefaultFileRegion(file.toFile(), 1_000, 2_900_000);
        pair.client().write(region);
        pair.client()
                .writeAndFlush(Unpooled.wrappedBuffer(content, 2_901_000, 99_000))
                .sync();

        assertThat(log.awaitBytes(content.length)).isEqualTo(content);
        assertThat(region.transferred()).isEqualTo(2_900_000);
        assertThat(region.refCnt()).isZero();
    }

    @Test
    void aRegionThatIsLongerThanItsFileFails() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log);
        Path file = file(random(10_000));

        assertThatThrownBy(() -> pair.client()
                        .writeAndFlush(new DefaultFileRegion(file.toFile(), 0, 10_001))
                        .sync())
                .isInstanceOf(IOException.class);
    }

    /** Writes the bytes it is made of in pieces of its own choice. */
    private static class Pieces extends AbstractReferenceCounted implements FileRegion {
        private final byte[] content;
        private final int most;
        private long transferred;
        int callsAfterTheEnd;

        Pieces(byte[] content, int most) {
            this.content = content;
            this.most = most;
        }

        @Override
        public long position() {
            return 0;
        }

        @Override
        @Deprecated
        public long transfered() {
            return transferred;
        }

        @Override
        public long transferred() {
            return transferred;
        }

        @Override
        public long count() {
            return content.length;
        }

        @Override
        public long transferTo(WritableByteChannel target, long position) throws IOException {
            assertThat(position).isEqualTo(transferred);
            if (position >= content.length) {
                callsAfterTheEnd++;
                return 0;
            }
            int n = target.write(
                    ByteBuffer.wrap(content, (int) position, (int) Math.min(most, content.length - position)));
            transferred += n;
            return n;
        }

        @Override
        public FileRegion retain() {
            super.retain();
            return this;
        }

        @Override
        public FileRegion retain(int increment) {
            super.retain(increment);
            return this;
        }

        @Override
        public FileRegion touch() {
            return this;
        }

        @Override
        public FileRegion touch(Object hint) {
            return this;
        }

        @Override
        protected void deallocate() {}
    }

    @Test
    void anotherKindOfRegionWritesItselfInPieces() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log);
        byte[] content = random(1_000_000);
        Pieces region = new Pieces(content, 777);

        pair.client().writeAndFlush(region).sync();

        assertThat(log.awaitBytes(content.length)).isEqualTo(content);
        assertThat(region.callsAfterTheEnd).isZero();
        assertThat(region.refCnt()).isZero();
    }

    @Test
    void aRegionThatHasNothingYetIsAskedAgainAndTheLoopGoesOn() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log);
        byte[] content = random(100);
        Pieces region = new Pieces(content, 10) {
            private int asked;

            @Override
            public long transferTo(WritableByteChannel target, long position) throws IOException {
                return asked++ % 3 == 0 ? super.transferTo(target, position) : 0;
            }
        };

        pair.client().writeAndFlush(region).sync();

        assertThat(log.awaitBytes(content.length)).isEqualTo(content);
    }

    @Test
    void aRegionThatFailsFailsItsWriteAndClosesTheChannel() throws Exception {
        EventLog clientLog = new EventLog();
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, log);
        byte[] before = random(100);
        pair.client().write(Unpooled.wrappedBuffer(before));
        Pieces region = new Pieces(random(100), 10) {
            @Override
            public long transferTo(WritableByteChannel target, long position) throws IOException {
                throw new IOException("disk on fire");
            }
        };

        assertThatThrownBy(() -> pair.client().writeAndFlush(region).sync()).hasMessage("disk on fire");

        clientLog.await("unregistered");
        log.await("unregistered");
        assertThat(Arrays.equals(log.bytes(), before)).isTrue();
        assertThat(region.refCnt()).isZero();
    }

    // ------------------------------------------------------------------------------------------------ slow readers

    private static final int SEND_BUFFER = 16 * 1024;

    /** The server does not read unless it is told to, and has room for little; so has the client. */
    private static final ConnectedPair.Setup SLOW = new ConnectedPair.Setup() {
        @Override
        public void client(Bootstrap bootstrap) {
            bootstrap.option(ChannelOption.SO_SNDBUF, SEND_BUFFER);
        }

        @Override
        public void server(ServerBootstrap bootstrap) {
            bootstrap.option(ChannelOption.SO_RCVBUF, 8 * 1024).childOption(ChannelOption.AUTO_READ, false);
        }
    };

    /** Fails if more of the region was read than the two buffers hold. */
    private void assertStuck(FileRegion region, ChannelFuture write) throws Exception {
        hosts.settle();
        hosts.settle();
        assertThat(region.transferred()).isBetween(1L, SEND_BUFFER + 2L * 8 * 1024);
        assertThat(write.isDone()).isFalse();
        assertThat(region.refCnt()).isEqualTo(1);
    }

    @Test
    void noMoreOfAFileIsReadThanThePeerTakesAndNothingIsLost() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log, SLOW);
        byte[] content = random(1_000_000);
        FileRegion region = new DefaultFileRegion(file(content).toFile(), 0, 900_000);
        ChannelFuture write = pair.client().writeAndFlush(region);
        ChannelFuture last = pair.client().writeAndFlush(Unpooled.wrappedBuffer(content, 900_000, 100_000));
        assertStuck(region, write);

        // One read loop at a time for a while, then as fast as it goes.
        for (int i = 0; i < 50; i++) {
            pair.child().read();
            hosts.settle();
        }
        assertThat(write.isDone()).isFalse();
        assertThat(log.bytes().length).isBetween(1, 899_999);
        pair.child().config().setAutoRead(true);

        assertThat(log.awaitBytes(content.length)).isEqualTo(content);
        last.sync();
        assertThat(write.isSuccess()).isTrue();
        assertThat(region.refCnt()).isZero();
    }

    @Test
    void aRegionThatIsStuckIsReleasedWhenThePeerResets() throws Exception {
        EventLog clientLog = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, clientLog, new EventLog(), SLOW);
        FileRegion region = new DefaultFileRegion(file(random(300_000)).toFile(), 0, 300_000);
        ChannelFuture write = pair.client().writeAndFlush(region);
        assertStuck(region, write);

        pair.child().config().setOption(ChannelOption.SO_LINGER, 0);
        pair.child().close();

        clientLog.await("unregistered");
        assertThat(write.await().cause()).isInstanceOf(IOException.class).hasMessageContaining("reset");
        assertThat(region.refCnt()).isZero();
    }

    @Test
    void aRegionThatIsStuckIsReleasedWhenTheChannelClosesAndWhatWasTakenArrives() throws Exception {
        EventLog log = new EventLog();
        ConnectedPair pair = ConnectedPair.open(hosts, new EventLog(), log, SLOW);
        byte[] content = random(300_000);
        FileRegion region = new DefaultFileRegion(file(content).toFile(), 0, content.length);
        ChannelFuture write = pair.client().writeAndFlush(region);
        assertStuck(region, write);
        int taken = (int) region.transferred();

        pair.client().close().sync();

        assertThat(write.await().cause()).isInstanceOf(ClosedChannelException.class);
        assertThat(region.refCnt()).isZero();
        pair.child().config().setAutoRead(true);
        log.await("inactive");
        assertThat(log.bytes()).isEqualTo(Arrays.copyOf(content, taken));
    }
}
