/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel.testsuite;

import io.netty.handler.ssl.SslContext;
import io.netty.testsuite.transport.socket.SocketSslEchoTest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every eleventh combination of parameters, of which there are nearly a hundred: each value of each parameter occurs. */
abstract class SampledSslEchoTest extends SocketSslEchoTest {
    private static final int STEP = 11;

    static List<Object[]> sample() throws Exception {
        List<Object[]> all = new ArrayList<>(data());
        List<Object[]> sample = new ArrayList<>();
        for (int i = 0; i < all.size(); i += STEP) {
            sample.add(all.get(i));
        }
        return sample;
    }

    @Override
    @ParameterizedTest
    @MethodSource("sample")
    @Timeout(value = 30_000, unit = TimeUnit.MILLISECONDS)
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
