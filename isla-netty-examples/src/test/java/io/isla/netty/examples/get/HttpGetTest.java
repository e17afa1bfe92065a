/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.get;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.resolver.AddressResolver;
import io.netty.resolver.AddressResolverGroup;
import io.netty.resolver.DefaultAddressResolverGroup;
import io.netty.resolver.InetNameResolver;
import io.netty.resolver.InetSocketAddressResolver;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Promise;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class HttpGetTest {

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final ByteArrayOutputStream content = new ByteArrayOutputStream();
    private ServerSocket listener;

    @BeforeEach
    void listen() throws IOException {
        listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    }

    @AfterEach
    void stop() throws Exception {
        listener.close();
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
    }

    @Test
    void getsAResource() throws Exception {
        CompletableFuture<String> request = answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhello");
        StringWriter verbose = new StringWriter();

        GetResult result = get("/a%20b?c=d#e", content, new PrintWriter(verbose));

        assertThat(result.status()).isEqualTo(200);
        assertThat(result.bytes()).isEqualTo(5);
        assertThat(content.toString(StandardCharsets.UTF_8)).isEqualTo("hello");
        assertThat(result.sent()).isLessThanOrEqualTo(result.firstByte());
        assertThat(result.firstByte()).isLessThanOrEqualTo(result.done());
        String host = "127.0.0.1:" + listener.getLocalPort();
        assertThat(request.get(10, TimeUnit.SECONDS))
                .startsWith("GET /a%20b?c=d HTTP/1.1\r\n")
                .containsIgnoringCase("\r\nhost: " + host + "\r\n")
                .containsIgnoringCase("\r\nconnection: close\r\n");
        assertThat(verbose.toString())
                .contains("> GET /a%20b?c=d HTTP/1.1\n", "> host: " + host, "< HTTP/1.1 200 OK\n", "< A: b\n");
    }

    @Test
    void getsAnAnswerThatEndsWithTheConnection() throws Exception {
        answer("HTTP/1.0 404 None\r\n\r\nuntil the end");

        assertThat(get("", content, null).status()).isEqualTo(404);
        assertThat(content.toString(StandardCharsets.UTF_8)).isEqualTo("until the end");
    }

    @Test
    void getsAnAnswerInChunks() throws Exception {
        answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");

        assertThat(get("/", content, null).bytes()).isEqualTo(5);
        assertThat(content.toString(StandardCharsets.UTF_8)).isEqualTo("abcde");
    }

    @Test
    void waitsForTheFinalAnswer() throws Exception {
        answer("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

        assertThat(get("/", content, null).status()).isEqualTo(200);
        assertThat(content.toString(StandardCharsets.UTF_8)).isEqualTo("ok");
    }

    @Test
    void anAnswerThatIsCutOffIsAFailure() {
        answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");

        assertThatExceptionOfType(EOFException.class)
                .isThrownBy(() -> get("/", content, null))
                .withMessageContaining("closed after 4 bytes");
    }

    @Test
    void anAnswerCutOffBetweenChunksIsAFailure() {
        answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");

        assertThatExceptionOfType(IOException.class).isThrownBy(() -> get("/", content, null));
    }

    @Test
    void noAnswerIsAFailure() {
        answer("");

        assertThatExceptionOfType(EOFException.class).isThrownBy(() -> get("/", content, null));
    }

    @Test
    void whatIsNotHttpIsAFailure() {
        answer("SSH-2.0-OpenSSH_9.2\r\n\r\n");

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> get("/", content, null))
                .withMessageContaining("not HTTP");
    }

    @Test
    void noServerIsAFailure() throws IOException {
        listener.close();

        assertThatThrownBy(() -> get("/", content, null)).isInstanceOf(ConnectException.class);
    }

    @Test
    void anAddressThatRefusesIsNoFailureWhereTheNameHasAnother() throws Exception {
        answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");

        assertThat(getFrom("127.0.0.2", "127.0.0.1").status()).isEqualTo(200);
        assertThat(content.toString(StandardCharsets.UTF_8)).isEqualTo("hello");
    }

    @Test
    void thatAllAddressesRefuseIsAFailureThatNamesEach() {
        assertThatThrownBy(() -> getFrom("127.0.0.2", "127.0.0.3"))
                .isInstanceOf(ConnectException.class)
                .hasMessageContaining("127.0.0.2")
                .satisfies(e -> assertThat(e.getSuppressed())
                        .singleElement()
                        .satisfies(other -> assertThat(other).hasMessageContaining("127.0.0.3")));
    }

    /** Of a name that has these addresses. */
    private GetResult getFrom(String... addresses) throws Exception {
        AddressResolverGroup<InetSocketAddress> resolvers = new AddressResolverGroup<>() {
            @Override
            protected AddressResolver<InetSocketAddress> newResolver(EventExecutor executor) {
                return new InetSocketAddressResolver(executor, new Fixed(executor, addresses));
            }
        };
        try (resolvers) {
            InetSocketAddress remote = InetSocketAddress.createUnresolved("both.example", listener.getLocalPort());
            URI uri = URI.create("http://both.example:" + listener.getLocalPort() + "/");
            return HttpGet.get(group, NioSocketChannel.class, resolvers, uri, remote, content, null);
        }
    }

    private static final class Fixed extends InetNameResolver {
        private final String[] addresses;

        Fixed(EventExecutor executor, String... addresses) {
            super(executor);
            this.addresses = addresses;
        }

        @Override
        protected void doResolve(String name, Promise<InetAddress> promise) throws Exception {
            promise.setSuccess(InetAddress.getByName(addresses[0]));
        }

        @Override
        protected void doResolveAll(String name, Promise<List<InetAddress>> promise) throws Exception {
            List<InetAddress> all = new ArrayList<>();
            for (String address : addresses) {
                all.add(InetAddress.getByName(address));
            }
            promise.setSuccess(all);
        }
    }

    @Test
    void aStreamThatCannotBeWrittenIsAFailure() {
        answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        OutputStream full = new OutputStream() {
            @Override
            public void write(int octet) throws IOException {
                throw new IOException("no space left");
            }
        };

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> get("/", full, null))
                .havingCause()
                .withMessage("no space left");
    }

    @Test
    void describesTheResult() {
        assertThat(new GetResult(200, 1_000_000, 2_000_000, 3_000_000, 11_000_000).describe(1_000_000))
                .isEqualTo("200, 1000000 bytes; connected after 1.00 ms, first byte after 2.00 ms, done after "
                        + "10.00 ms, 1000.0 Mbit/s");
    }

    private GetResult get(String target, OutputStream out, PrintWriter verbose) throws Exception {
        URI uri = URI.create("http://user@127.0.0.1:" + listener.getLocalPort() + target);
        InetSocketAddress remote = new InetSocketAddress(InetAddress.getLoopbackAddress(), listener.getLocalPort());
        return HttpGet.get(
                group, NioSocketChannel.class, DefaultAddressResolverGroup.INSTANCE, uri, remote, out, verbose);
    }

    /** Accepts one connection, reads a request, sends the answer, and closes. */
    private CompletableFuture<String> answer(String answer) {
        return CompletableFuture.supplyAsync(() -> {
            try (Socket socket = listener.accept()) {
                String head = readHead(socket.getInputStream());
                socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
                return head;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static String readHead(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int octet = in.read();
            if (octet < 0) {
                throw new EOFException(head.toString());
            }
            head.append((char) octet);
        }
        return head.toString();
    }
}
