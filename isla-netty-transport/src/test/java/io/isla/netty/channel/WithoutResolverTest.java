/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.host.IslaHost;
import io.isla.netty.link.MemoryLink;
import io.netty.channel.EventLoopGroup;
import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A program that looks no names up need not have Netty's DNS resolver. */
class WithoutResolverTest {

    /** Run among classes of its own, without the resolver. */
    public static final class Program {
        private Program() {}

        /** Builds a host and a group on it, and asks for a resolver; returns what is said of that. */
        public static String run() throws Exception {
            MemoryLink.Pair link = MemoryLink.pair("one", "other");
            IslaHost host =
                    IslaHost.builder().link(link.first()).address("10.0.0.1/24").build();
            EventLoopGroup group = new IslaEventLoopGroup(1, host);
            try {
                host.resolverGroup().getResolver(group.next());
                return "there is a resolver";
            } catch (IllegalStateException e) {
                return e.toString() + " " + e.getCause();
            } finally {
                group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
                host.close();
                link.second().close();
            }
        }
    }

    @Test
    void onlyLookingNamesUpTakesTheResolver() throws Exception {
        URL[] classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(path -> !path.contains("netty-resolver-dns"))
                .map(WithoutResolverTest::url)
                .toArray(URL[]::new);
        try (URLClassLoader loader = new URLClassLoader(classPath, ClassLoader.getPlatformClassLoader())) {
            Object said =
                    loader.loadClass(Program.class.getName()).getMethod("run").invoke(null);

            assertThat(said).asString().contains("netty-resolver-dns", "java.lang.IllegalStateException");
        }
    }

    private static URL url(String path) {
        try {
            return Path.of(path).toUri().toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(path, e);
        }
    }
}
