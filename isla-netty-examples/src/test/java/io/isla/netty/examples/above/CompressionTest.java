/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.above;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.examples.above.Wire.Side;
import io.isla.netty.testing.KernelTest;
import io.isla.netty.testing.Programs;
import io.isla.netty.testing.RequiresProgram;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.handler.codec.http.HttpContentCompressor;
import io.netty.handler.codec.http.HttpContentDecompressor;
import io.netty.handler.codec.http.HttpServerCodec;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What is compressed on the way, to {@code curl} and from it. */
@KernelTest
@RequiresProgram("curl")
class CompressionTest {

    @RegisterExtension
    static final Wire WIRE = new Wire("gzip0");

    @TempDir
    private Path directory;

    @Test
    void sendsWhatTheClientCanUncompress() throws Exception {
        Programs.Result result =
                curl("--compressed", "--dump-header", "%s/head".formatted(directory), Wire.url("http", serve()) + "/");

        assertThat(result.text()).isEqualTo(Site.TEXT);
        assertThat(directory.resolve("head")).content().containsIgnoringCase("content-encoding: gzip");
    }

    @Test
    void sendsAsItIsWhatTheClientCannotUncompress() throws Exception {
        Programs.Result result = curl("--dump-header", "%s/head".formatted(directory), Wire.url("http", serve()) + "/");

        assertThat(result.text()).isEqualTo(Site.TEXT);
        assertThat(directory.resolve("head")).content().doesNotContainIgnoringCase("content-encoding");
    }

    @Test
    void takesWhatTheClientHasCompressed() throws Exception {
        byte[] large = Bytes.random(Site.LARGE);
        Path file = directory.resolve("file.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(large);
        }

        Programs.Result result = curl(
                "--compressed",
                "--header",
                "Content-Encoding: gzip",
                "--data-binary",
                "@" + file,
                Wire.url("http", serve()) + "/");

        assertThat(Bytes.sha256(result.output())).isEqualTo(Bytes.sha256(large));
    }

    private static InetSocketAddress serve() {
        return WIRE.serve(Side.ISLA, new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline()
                        .addLast(new HttpServerCodec(), new HttpContentDecompressor(0), new HttpContentCompressor());
                Site.addObjects(channel.pipeline());
            }
        });
    }

    private static Programs.Result curl(String... arguments) throws Exception {
        String[] command = new String[arguments.length + 3];
        command[0] = "curl";
        command[1] = "--silent";
        command[2] = "--show-error";
        System.arraycopy(arguments, 0, command, 3, arguments.length);
        Programs.Result result = Programs.run(command);
        assertThat(result.status()).as(result.errors()).isZero();
        return result;
    }
}
