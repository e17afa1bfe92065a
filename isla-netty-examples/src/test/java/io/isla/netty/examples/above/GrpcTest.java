/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.above;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.isla.netty.examples.above.Wire.Side;
import io.isla.netty.testing.KernelTest;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** gRPC-Java, which takes event loops and channel classes from its user: all kinds of calls, with the server on either side. */
@KernelTest
class GrpcTest {

    private static final int LARGE = 200_000;
    private static final int PIECES = 10;

    private static final MethodDescriptor<byte[], byte[]> ECHO = method(MethodType.UNARY, "Echo");
    private static final MethodDescriptor<byte[], byte[]> REPEAT = method(MethodType.SERVER_STREAMING, "Repeat");
    private static final MethodDescriptor<byte[], byte[]> COUNT = method(MethodType.CLIENT_STREAMING, "Count");
    private static final MethodDescriptor<byte[], byte[]> CONVERSE = method(MethodType.BIDI_STREAMING, "Converse");

    @RegisterExtension
    static final Wire WIRE = new Wire("grpc0");

    @ParameterizedTest
    @CsvSource({"ISLA, false", "ISLA, true", "KERNEL, false", "KERNEL, true"})
    void makesCallsOfAllKinds(Side serverSide, boolean tls) throws Exception {
        Server server = server(serverSide, tls).build().start();
        ManagedChannel channel = channel(serverSide.other(), tls, (InetSocketAddress)
                server.getListenSockets().get(0));
        byte[] large = Bytes.random(LARGE);
        try {
            assertThat(ClientCalls.blockingUnaryCall(channel, ECHO, CallOptions.DEFAULT, large))
                    .isEqualTo(large);
            assertThatThrownBy(() -> ClientCalls.blockingUnaryCall(channel, ECHO, CallOptions.DEFAULT, new byte[] {}))
                    .isInstanceOfSatisfying(
                            StatusRuntimeException.class,
                            failure -> assertThat(failure.getStatus().getDescription())
                                    .isEqualTo("nothing to say"));

            Iterator<byte[]> repeated =
                    ClientCalls.blockingServerStreamingCall(channel, REPEAT, CallOptions.DEFAULT, large);
            for (int i = 0; i < PIECES; i++) {
                assertThat(repeated.next()).isEqualTo(large);
            }
            assertThat(repeated.hasNext()).isFalse();

            Answers counted = new Answers();
            StreamObserver<byte[]> counting =
                    ClientCalls.asyncClientStreamingCall(channel.newCall(COUNT, CallOptions.DEFAULT), counted);
            for (int i = 0; i < PIECES; i++) {
                counting.onNext(large);
            }
            counting.onCompleted();
            assertThat(counted.all())
                    .containsExactly(Integer.toString(PIECES * LARGE).getBytes(StandardCharsets.US_ASCII));

            Answers conversed = new Answers();
            StreamObserver<byte[]> conversing =
                    ClientCalls.asyncBidiStreamingCall(channel.newCall(CONVERSE, CallOptions.DEFAULT), conversed);
            for (int i = 0; i < PIECES; i++) {
                conversing.onNext(large);
            }
            conversing.onCompleted();
            assertThat(conversed.all())
                    .hasSize(PIECES)
                    .allSatisfy(answer -> assertThat(answer).isEqualTo(large));
        } finally {
            channel.shutdownNow();
            server.shutdownNow();
            assertThat(channel.awaitTermination(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS))
                    .isTrue();
            assertThat(server.awaitTermination(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS))
                    .isTrue();
        }
    }

    private static NettyServerBuilder server(Side side, boolean tls) throws Exception {
        NettyServerBuilder builder = NettyServerBuilder.forAddress(side.anyPort())
                .bossEventLoopGroup(WIRE.group(side))
                .workerEventLoopGroup(WIRE.group(side))
                .channelType(side.serverChannel)
                .addService(service());
        if (tls) {
            builder.sslContext(GrpcSslContexts.configure(
                            SslContextBuilder.forServer(Tls.BUNDLE.toKeyManagerFactory()), SslProvider.JDK)
                    .build());
        }
        return builder;
    }

    private static ManagedChannel channel(Side side, boolean tls, InetSocketAddress server) throws Exception {
        NettyChannelBuilder builder = NettyChannelBuilder.forAddress(server)
                .eventLoopGroup(WIRE.group(side))
                .channelType(side.channel, InetSocketAddress.class)
                .keepAliveTime(30, TimeUnit.SECONDS);
        if (tls) {
            builder.sslContext(GrpcSslContexts.configure(
                            SslContextBuilder.forClient().trustManager(Tls.BUNDLE.getCertificate()), SslProvider.JDK)
                    .build());
        } else {
            builder.usePlaintext();
        }
        return builder.build();
    }

    private static ServerServiceDefinition service() {
        return ServerServiceDefinition.builder("isla.Test")
                .addMethod(ECHO, ServerCalls.asyncUnaryCall((request, answer) -> {
                    if (request.length == 0) {
                        answer.onError(Status.INVALID_ARGUMENT
                                .withDescription("nothing to say")
                                .asRuntimeException());
                    } else {
                        answer.onNext(request);
                        answer.onCompleted();
                    }
                }))
                .addMethod(REPEAT, ServerCalls.asyncServerStreamingCall((request, answers) -> {
                    for (int i = 0; i < PIECES; i++) {
                        answers.onNext(request);
                    }
                    answers.onCompleted();
                }))
                .addMethod(COUNT, ServerCalls.asyncClientStreamingCall(Counting::new))
                .addMethod(CONVERSE, ServerCalls.asyncBidiStreamingCall(Conversing::new))
                .build();
    }

    private static MethodDescriptor<byte[], byte[]> method(MethodType type, String name) {
        return MethodDescriptor.newBuilder(BytesMarshaller.INSTANCE, BytesMarshaller.INSTANCE)
                .setType(type)
                .setFullMethodName(MethodDescriptor.generateFullMethodName("isla.Test", name))
                .build();
    }

    /** Messages that are nothing but bytes. */
    private enum BytesMarshaller implements MethodDescriptor.Marshaller<byte[]> {
        INSTANCE;

        @Override
        public InputStream stream(byte[] message) {
            return new ByteArrayInputStream(message);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Answers with how many bytes it has been sent, at the end. */
    private static final class Counting implements StreamObserver<byte[]> {
        private final StreamObserver<byte[]> answer;
        private int bytes;

        Counting(StreamObserver<byte[]> answer) {
            this.answer = answer;
        }

        @Override
        public void onNext(byte[] message) {
            bytes += message.length;
        }

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onCompleted() {
            answer.onNext(Integer.toString(bytes).getBytes(StandardCharsets.US_ASCII));
            answer.onCompleted();
        }
    }

    /** Answers each message with itself. */
    private static final class Conversing implements StreamObserver<byte[]> {
        private final StreamObserver<byte[]> answers;

        Conversing(StreamObserver<byte[]> answers) {
            this.answers = answers;
        }

        @Override
        public void onNext(byte[] message) {
            answers.onNext(message);
        }

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onCompleted() {
            answers.onCompleted();
        }
    }

    /** What has been answered, once that is all. */
    private static final class Answers implements StreamObserver<byte[]> {
        private final CompletableFuture<List<byte[]>> all = new CompletableFuture<>();
        private final List<byte[]> answers = new ArrayList<>();

        List<byte[]> all() throws Exception {
            return all.get(Wire.DEADLINE_SECONDS, TimeUnit.SECONDS);
        }

        @Override
        public void onNext(byte[] message) {
            answers.add(message);
        }

        @Override
        public void onError(Throwable failure) {
            all.completeExceptionally(failure);
        }

        @Override
        public void onCompleted() {
            all.complete(answers);
        }
    }
}
