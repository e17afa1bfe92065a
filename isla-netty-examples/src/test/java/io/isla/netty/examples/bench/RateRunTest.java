/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.local.LocalAddress;
import io.netty.channel.local.LocalChannel;
import io.netty.channel.local.LocalIoHandler;
import io.netty.channel.local.LocalServerChannel;
import io.netty.util.CharsetUtil;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RateRunTest {
    private static final String RESPONSE = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc";
    private static final long NEVER = -1;

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(2, LocalIoHandler.newFactory());
    private final LocalAddress address = new LocalAddress(RateRunTest.class);

    @AfterEach
    void stop() {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
    }

    /** @param delay milliseconds before the answer to each request, by its number from 0; or never */
    private void serve(ToLongFunction<Integer> delay) throws InterruptedException {
        new ServerBootstrap()
                .group(group)
                .channel(LocalServerChannel.class)
                .childHandler(new ChannelInboundHandlerAdapter() {
                    private int requests;

                    @Override
                    public boolean isSharable() {
                        return true;
                    }

                    @Override
                    public void channelRead(ChannelHandlerContext ctx, Object message) {
                        ((ByteBuf) message).release();
                        long millis = delay.applyAsLong(requests++);
                        if (millis == 0) {
                            answer(ctx);
                        } else if (millis != NEVER) {
                            ctx.executor().schedule(() -> answer(ctx), millis, TimeUnit.MILLISECONDS);
                        }
                    }

                    private static void answer(ChannelHandlerContext ctx) {
                        // In two pieces, as a network may deliver it.
                        ctx.write(Unpooled.copiedBuffer(RESPONSE.substring(0, 20), CharsetUtil.US_ASCII));
                        ctx.flush();
                        ctx.writeAndFlush(Unpooled.copiedBuffer(RESPONSE.substring(20), CharsetUtil.US_ASCII));
                    }
                })
                .bind(address)
                .sync();
    }

    private RateRun.Result run(int connections, double rate, double warmUp, double seconds) throws Exception {
        Bootstrap bootstrap =
                new Bootstrap().group(group).channel(LocalChannel.class).remoteAddress(address);
        return RateRun.run(bootstrap, connections, rate, warmUp, seconds);
    }

    @Test
    void sendsSoManyRequests() throws Exception {
        serve(request -> 0);

        RateRun.Result result = run(3, 500, 0.1, 0.4);

        // A machine that stands still for longer than answers are waited for leaves some unanswered.
        assertThat(result.answered() + result.unanswered())
                .as("those of the warm-up do not count")
                .isEqualTo(200);
        assertThat(result.answered()).isPositive();
        assertThat(result.latencies().getTotalCount()).isEqualTo(200);
        assertThat(result.errors()).isZero();
        assertThat(result.rate()).isPositive().isLessThan(600);
    }

    @Test
    void countsThePauseForEachRequestThatWasDueInIt() throws Exception {
        // One request is answered late. At 1,000 a second, 200 others are due while it waits, and wait too.
        serve(request -> request == 100 ? 200 : 0);

        RateRun.Result result = run(1, 1000, 0, 0.5);

        assertThat(result.answered() + result.unanswered()).isEqualTo(500);
        long late = result.latencies()
                .getCountBetweenValues(TimeUnit.MILLISECONDS.toNanos(50), TimeUnit.SECONDS.toNanos(60));
        assertThat(late).as("not only the one that was answered late").isGreaterThanOrEqualTo(140);
        assertThat(result.latencies().getMaxValue()).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(195));
    }

    @Test
    void doesNotForgetRequestsThatAreNeverAnswered() throws Exception {
        serve(request -> request < 10 ? 0 : NEVER);

        RateRun.Result result = run(1, 100, 0, 0.3);

        assertThat(result.answered()).isEqualTo(10);
        assertThat(result.unanswered()).isEqualTo(20);
        assertThat(result.latencies().getTotalCount()).isEqualTo(30);
        assertThat(result.latencies().getValueAtPercentile(50))
                .as("they have waited until the end")
                .isGreaterThan(TimeUnit.SECONDS.toNanos(1));
    }
}
