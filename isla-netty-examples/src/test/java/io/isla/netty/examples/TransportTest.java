/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.isla.netty.channel.IslaEventLoopGroup;
import io.isla.netty.host.IslaHost;
import io.isla.netty.link.MemoryLink;
import io.netty.channel.EventLoopGroup;
import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a host is waited for before it is used. */
class TransportTest {
    private final MemoryLink.Pair links = MemoryLink.pair("isla", "nobody");
    private final IslaHost host = IslaHost.builder()
            .link(links.first())
            .slaac(true)
            .closeWhenUnused(true)
            .build();
    private final EventLoopGroup group = new IslaEventLoopGroup(1, host);

    @AfterEach
    void close() {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
        links.close();
    }

    /** What the host has when it has been waited for. */
    private CompletableFuture<List<InetAddress>> await(boolean v4, boolean v6) {
        return CompletableFuture.supplyAsync(() -> {
            assertThat(Transport.awaitAddresses(v4, v6, host, group)).isTrue();
            return host.addresses();
        });
    }

    private InetAddress add(String address, int prefixLength) throws Exception {
        InetAddress added = InetAddress.getByName(address);
        host.addAddress(added, prefixLength).get(20, TimeUnit.SECONDS);
        return added;
    }

    @Test
    void anAddressOfEachFamilyThatIsAskedForIsWaitedFor() throws Exception {
        CompletableFuture<List<InetAddress>> ready = await(true, true);
        InetAddress v6 = add("fd66::2", 64);
        assertThatExceptionOfType(TimeoutException.class).isThrownBy(() -> ready.get(200, TimeUnit.MILLISECONDS));
        InetAddress v4 = add("10.66.0.2", 24);

        // Sooner than it would go on without.
        assertThat(ready.get(10, TimeUnit.SECONDS)).contains(v4, v6);
    }

    @Test
    void anAddressOfTheOtherFamilyThatIsGivenIsNotTheOne() throws Exception {
        InetAddress v6 = add("fd66::2", 64);
        CompletableFuture<List<InetAddress>> ready = await(true, false);
        assertThatExceptionOfType(TimeoutException.class).isThrownBy(() -> ready.get(200, TimeUnit.MILLISECONDS));
        InetAddress v4 = add("10.66.0.2", 24);

        assertThat(ready.get(20, TimeUnit.SECONDS)).contains(v4, v6);
    }

    @Test
    void aNetworkThatHasOneFamilyAloneWillDo() throws Exception {
        CompletableFuture<List<InetAddress>> ready = await(true, true);
        InetAddress v4 = add("10.66.0.2", 24);

        assertThat(ready.get(60, TimeUnit.SECONDS)).contains(v4);
    }

    @Test
    void whatIsConfiguredByNobodyElseIsThereAtOnce() throws Exception {
        assertThat(await(false, false).get(20, TimeUnit.SECONDS)).isNotNull();
    }
}
