/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.TapLink;
import io.isla.netty.testing.KernelTest;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoopGroup;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Urgent data to and from the kernel's sockets. */
@KernelTest
@Timeout(TwoHosts.DEADLINE_SECONDS)
class TapUrgentTest {
    private static final int PORT = 23;

    @Test
    void theKernelAndAChannelAgreeOnWhereUrgentDataEnds() throws Exception {
        IslaHost host = IslaHost.builder()
                .link(TapLink.builder("urgent0")
                        .hostAddress(InetAddress.getByName("10.9.0.1"), 24)
                        .open())
                .address("10.9.0.2/24")
                .closeWhenUnused(true)
                .build();
        EventLoopGroup group = new IslaEventLoopGroup(1, host);
        try {
            CompletableFuture<IslaUrgentDataEvent> told = new CompletableFuture<>();
            EventLog log = new EventLog() {
                @Override
                public void userEventTriggered(ChannelHandlerContext context, Object event) throws Exception {
                    super.userEventTriggered(context, event);
                    if (event instanceof IslaUrgentDataEvent urgent) {
                        told.complete(urgent);
                    }
                }
            };
            new ServerBootstrap()
                    .group(group)
                    .channel(IslaServerSocketChannel.class)
                    .childHandler(log)
                    .bind(PORT)
                    .sync();
            try (Socket socket = new Socket("10.9.0.2", PORT)) {
                socket.setSoTimeout((int) TimeUnit.SECONDS.toMillis(TwoHosts.DEADLINE_SECONDS));
                // From the kernel: in line, with a word about it.
                socket.sendUrgentData('!');
                assertThat(told.get().bytes()).isEqualTo(1);
                assertThat(log.awaitBytes(1)).isEqualTo(new byte[] {'!'});

                // To the kernel, which takes the last byte before the pointer out of the stream.
                Channel channel = log.channel();
                channel.write(Unpooled.copiedBuffer("ab", StandardCharsets.US_ASCII));
                channel.write(new IslaUrgentData(Unpooled.copiedBuffer("cd", StandardCharsets.US_ASCII)));
                channel.writeAndFlush(Unpooled.copiedBuffer("ef", StandardCharsets.US_ASCII));
                assertThat(socket.getInputStream().readNBytes(5))
                        .isEqualTo("abcef".getBytes(StandardCharsets.US_ASCII));
            }
        } finally {
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        }
    }
}
