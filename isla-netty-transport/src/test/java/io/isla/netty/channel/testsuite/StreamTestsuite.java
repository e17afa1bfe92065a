/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.isla.netty.testing.TimingTest;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.testsuite.transport.TestsuitePermutation.BootstrapComboFactory;
import io.netty.testsuite.transport.TestsuitePermutation.BootstrapFactory;
import io.netty.testsuite.transport.socket.AbstractSocketReuseFdTest;
import io.netty.testsuite.transport.socket.CompositeBufferGatheringWriteTest;
import io.netty.testsuite.transport.socket.SocketAddressesTest;
import io.netty.testsuite.transport.socket.SocketAutoReadTest;
import io.netty.testsuite.transport.socket.SocketBufReleaseTest;
import io.netty.testsuite.transport.socket.SocketCancelWriteTest;
import io.netty.testsuite.transport.socket.SocketCloseForciblyTest;
import io.netty.testsuite.transport.socket.SocketConditionalWritabilityTest;
import io.netty.testsuite.transport.socket.SocketConnectTest;
import io.netty.testsuite.transport.socket.SocketConnectionAttemptTest;
import io.netty.testsuite.transport.socket.SocketDataReadInitialStateTest;
import io.netty.testsuite.transport.socket.SocketEchoTest;
import io.netty.testsuite.transport.socket.SocketExceptionHandlingTest;
import io.netty.testsuite.transport.socket.SocketFileRegionTest;
import io.netty.testsuite.transport.socket.SocketFixedLengthEchoTest;
import io.netty.testsuite.transport.socket.SocketGatheringWriteTest;
import io.netty.testsuite.transport.socket.SocketHalfClosedTest;
import io.netty.testsuite.transport.socket.SocketMultipleConnectTest;
import io.netty.testsuite.transport.socket.SocketObjectEchoTest;
import io.netty.testsuite.transport.socket.SocketReadPendingTest;
import io.netty.testsuite.transport.socket.SocketRstTest;
import io.netty.testsuite.transport.socket.SocketSpdyEchoTest;
import io.netty.testsuite.transport.socket.SocketSslEchoTest;
import io.netty.testsuite.transport.socket.SocketSslGreetingTest;
import io.netty.testsuite.transport.socket.SocketSslSessionReuseTest;
import io.netty.testsuite.transport.socket.SocketStartTlsTest;
import io.netty.testsuite.transport.socket.SocketStringEchoTest;
import io.netty.testsuite.transport.socket.TrafficShapingHandlerTest;
import io.netty.testsuite.transport.socket.WriteBeforeRegisteredTest;
import io.netty.util.ResourceLeakDetector;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Netty's test suite for stream sockets, but for the classes that need a socket of the kernel: those whose two ends are both of this project.
 * A subclass says on what it runs.
 */
abstract class StreamTestsuite extends OnPairing {
    @Nested
    class SocketReuseFd extends AbstractSocketReuseFdTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketAddresses extends SocketAddressesTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().clientAddress();
        }

        @Override
        protected void configure(ServerBootstrap server, Bootstrap client, ByteBufAllocator allocator) {
            super.configure(server, client, allocator);
            server.localAddress(pairing().serverAddress());
        }

        @Override
        protected void assertAddress(SocketAddress address) {
            InetSocketAddress inet = (InetSocketAddress) address;
            assertThat(inet.getPort()).isPositive();
            assertThat(inet.getAddress().isAnyLocalAddress()).isFalse();
        }
    }

    @Nested
    class SocketAutoRead extends SocketAutoReadTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketBufRelease extends SocketBufReleaseTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketCancelWrite extends SocketCancelWriteTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketCloseForcibly extends SocketCloseForciblyTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketConditionalWritability extends SocketConditionalWritabilityTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketConnect extends SocketConnectTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketDataReadInitialState extends SocketDataReadInitialStateTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketEcho extends SocketEchoTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketExceptionHandling extends SocketExceptionHandlingTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketFileRegion extends SocketFileRegionTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketFixedLengthEcho extends SocketFixedLengthEchoTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketGatheringWrite extends SocketGatheringWriteTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketMultipleConnect extends SocketMultipleConnectTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketObjectEcho extends SocketObjectEchoTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketReadPending extends SocketReadPendingTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketRst extends SocketRstTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketSpdyEcho extends SocketSpdyEchoTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketSslEcho extends SocketSslEchoTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketSslGreeting extends SocketSslGreetingTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketSslSessionReuse extends SocketSslSessionReuseTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }

        /** Without OpenSSL, which is not on the class path. */
        @Override
        @ParameterizedTest(name = "{index}: serverEngine = {0}, clientEngine = {1}")
        @MethodSource("jdkOnly")
        @Timeout(value = 30_000, unit = TimeUnit.MILLISECONDS)
        public void testSslSessionTrustManagerResumption(
                SslContextBuilder server, SslContextBuilder client, TestInfo info) throws Throwable {
            super.testSslSessionTrustManagerResumption(server, client, info);
        }
    }

    @Nested
    class SocketStartTls extends SocketStartTlsTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketStringEcho extends SocketStringEchoTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    /**
     * The tests of {@link TrafficShapingHandlerTest}, without its methods for the end of the class: they shut down an executor that only the loading of the
     * class creates, so that of several subclasses in a JVM the first alone would have it.
     */
    @Nested
    @TimingTest
    class TrafficShapingHandler {
        /** What each of the tests has by Netty's annotation. */
        private static final Duration LIMIT = Duration.ofSeconds(10);

        private static final AtomicBoolean CREATED = new AtomicBoolean();

        @BeforeAll
        static void createGroup() {
            if (CREATED.compareAndSet(false, true)) {
                TrafficShapingHandlerTest.createGroup();
            }
        }

        static Stream<Arguments> tests() {
            return Arrays.stream(TrafficShapingHandlerTest.class.getMethods())
                    .filter(method -> method.isAnnotationPresent(Test.class))
                    .sorted(Comparator.comparing(Method::getName))
                    .map(method -> Arguments.of(Named.of(method.getName(), method)));
        }

        @ParameterizedTest
        @MethodSource("tests")
        void passes(Method test, TestInfo info) {
            assertTimeoutPreemptively(LIMIT, () -> {
                try {
                    test.invoke(onPairing(), info);
                } catch (InvocationTargetException e) {
                    throw e.getCause();
                }
            });
        }

        /** Without a name: JUnit is not to take it for one of the classes that it runs. */
        private TrafficShapingHandlerTest onPairing() {
            return new TrafficShapingHandlerTest() {
                @Override
                protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
                    return pairing().socket();
                }

                @Override
                protected SocketAddress newSocketAddress() {
                    return pairing().serverAddress();
                }
            };
        }
    }

    @Nested
    class CompositeBufferGatheringWrite extends CompositeBufferGatheringWriteTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketConnectionAttempt extends SocketConnectionAttemptTest {
        @Override
        protected List<BootstrapFactory<Bootstrap>> newFactories() {
            return pairing().clientSocket();
        }
    }

    @Nested
    class WriteBeforeRegistered extends WriteBeforeRegisteredTest {
        @Override
        protected List<BootstrapFactory<Bootstrap>> newFactories() {
            return pairing().clientSocket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }

    @Nested
    class SocketHalfClosed extends SocketHalfClosedTest {
        private static ResourceLeakDetector.Level level;

        /** It reads tens of thousands of bytes one by one in at most 20 seconds: too many to record every buffer's life. */
        @BeforeAll
        static void trackFewerBuffers() {
            level = ResourceLeakDetector.getLevel();
            ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.SIMPLE);
        }

        @AfterAll
        static void trackAllBuffers() {
            ResourceLeakDetector.setLevel(level);
        }

        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return pairing().socket();
        }

        @Override
        protected SocketAddress newSocketAddress() {
            return pairing().serverAddress();
        }
    }
}
