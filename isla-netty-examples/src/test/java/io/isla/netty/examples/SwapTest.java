/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.isla.netty.examples.bench.RawServer;
import org.junit.jupiter.api.Test;

/** The programs that use TCP run on any transport: one class alone knows which it is. */
class SwapTest {

    @Test
    void onlyOneClassKnowsTheTransport() {
        var classes = new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages("io.isla.netty.examples");

        noClasses()
                .that()
                .doNotBelongToAnyOf(Transport.class, WireCommand.class, PingCommand.class, RawServer.class)
                .and()
                .haveNameNotMatching(".*[.]bench[.]Raw(Responder|UringQueue)([$].*)?")
                .and()
                .resideOutsideOfPackage("io.isla.netty.examples.ping")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "io.isla.netty.channel..",
                        "io.isla.netty.host..",
                        "io.isla.netty.link..",
                        "io.netty.channel.epoll..",
                        "io.netty.channel.nio..",
                        "io.netty.channel.uring..",
                        "io.netty.channel.socket.nio..")
                .because(
                        "the swap is to be seen in one place; a wire is a link, not a user of one, to ping is asked of a"
                                + " host, and the ceiling of the benchmark has no transport")
                .check(classes);
    }
}
