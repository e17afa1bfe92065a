/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * A Netty transport on a TCP/IP host in user space.
 *
 * <p>Exported are the packages that a user of the transport touches; the protocols below them are not.
 */
module io.isla.netty.transport {
    exports io.isla.netty.channel;
    exports io.isla.netty.host;
    exports io.isla.netty.link;
    exports io.isla.netty.sim;
    exports io.isla.netty.sim.junit;

    requires transitive io.netty.buffer;
    requires transitive io.netty.common;
    requires transitive io.netty.resolver;
    requires transitive io.netty.transport;
    requires io.netty.transport.classes.epoll;
    requires io.netty.transport.unix.common;
    // For those who look names up.
    requires static io.netty.resolver.dns;
    requires com.sun.jna;
    // For those who test with it.
    requires static transitive org.junit.jupiter.api;
}
