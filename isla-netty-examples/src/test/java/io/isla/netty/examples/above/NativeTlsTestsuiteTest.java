/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.above;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.examples.above.Wire.Side;
import io.isla.netty.testing.KernelTest;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.OpenSslContext;
import io.netty.handler.ssl.SslContext;
import io.netty.testsuite.transport.TestsuitePermutation.BootstrapComboFactory;
import io.netty.testsuite.transport.socket.SocketSslEchoTest;
import io.netty.testsuite.transport.socket.SocketSslGreetingTest;
import io.netty.testsuite.transport.socket.SocketSslSessionReuseTest;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The classes for TLS of Netty's own test suite, with its native engine: the server on Isla and the client on the kernel, and the other way round.
 * {@code SocketSslClientRenegotiateTest} is not for this engine, which is BoringSSL and does not renegotiate.
 */
@KernelTest
class NativeTlsTestsuiteTest {

    @RegisterExtension
    static final Wire WIRE = new Wire("suite0");

    @BeforeAll
    static void requireTheEngine() {
        assertThat(OpenSsl.unavailabilityCause())
                .as("why Netty's native TLS does not work here")
                .isNull();
    }

    private static List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> bothWays() {
        return List.of(serverOn(Side.ISLA), serverOn(Side.KERNEL));
    }

    private static BootstrapComboFactory<ServerBootstrap, Bootstrap> serverOn(Side side) {
        return new BootstrapComboFactory<>() {
            @Override
            public ServerBootstrap newServerInstance() {
                return new ServerBootstrap() {
                    @Override
                    public ServerBootstrap localAddress(SocketAddress address) {
                        return super.localAddress(side.anyPort());
                    }
                }.group(WIRE.group(side)).channel(side.serverChannel);
            }

            @Override
            public Bootstrap newClientInstance() {
                return new Bootstrap().group(WIRE.group(side.other())).channel(side.other().channel);
            }
        };
    }

    @Nested
    class Greeting extends SocketSslGreetingTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return bothWays();
        }
    }

    @Nested
    class SessionReuse extends SocketSslSessionReuseTest {
        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return bothWays();
        }
    }

    /** Of the combinations of parameters with the native engine on a side, of which there are hundreds, some with each value of each. */
    @Nested
    class Echo extends SocketSslEchoTest {
        private static final int STEP = 11;

        static List<Object[]> sample() throws Exception {
            List<Object[]> ofTheEngine = data().stream()
                    .filter(parameters -> Arrays.stream(parameters).anyMatch(OpenSslContext.class::isInstance))
                    .toList();
            List<Object[]> sample = new ArrayList<>();
            for (int i = 0; i < ofTheEngine.size(); i += STEP) {
                sample.add(ofTheEngine.get(i));
            }
            return sample;
        }

        @Override
        protected List<BootstrapComboFactory<ServerBootstrap, Bootstrap>> newFactories() {
            return bothWays();
        }

        @Override
        @ParameterizedTest
        @MethodSource("sample")
        @Timeout(value = Wire.DEADLINE_SECONDS, unit = TimeUnit.SECONDS)
        public void testSslEcho(
                SslContext serverContext,
                SslContext clientContext,
                Renegotiation renegotiation,
                boolean serverDelegates,
                boolean clientDelegates,
                boolean autoRead,
                boolean chunked,
                boolean composite,
                TestInfo info)
                throws Throwable {
            super.testSslEcho(
                    serverContext,
                    clientContext,
                    renegotiation,
                    serverDelegates,
                    clientDelegates,
                    autoRead,
                    chunked,
                    composite,
                    info);
        }
    }
}
