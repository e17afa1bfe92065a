/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.module.Configuration;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The tests run on the class path; this one holds what the module path would show. */
class ModuleDescriptorTest {

    private static final String MODULE = "io.isla.netty.transport";

    private static final Set<String> PUBLIC_API = Set.of(
            "io.isla.netty.channel",
            "io.isla.netty.host",
            "io.isla.netty.link",
            "io.isla.netty.sim",
            "io.isla.netty.sim.junit");

    private final ModuleFinder everythingOnTheClassPath = ModuleFinder.of(classPath());

    @Test
    void exportsThePublicApiAndNothingElse() {
        ModuleDescriptor descriptor = module().descriptor();
        Set<String> publicRooms =
                descriptor.packages().stream().filter(PUBLIC_API::contains).collect(Collectors.toSet());

        assertThat(descriptor.exports())
                .allMatch(exports -> !exports.isQualified())
                .extracting(ModuleDescriptor.Exports::source)
                .containsExactlyInAnyOrderElementsOf(publicRooms);
        assertThat(descriptor.opens()).isEmpty();
    }

    @Test
    void dependsOnNamedModulesOnly() {
        Configuration resolved =
                ModuleLayer.boot().configuration().resolve(everythingOnTheClassPath, ModuleFinder.of(), Set.of(MODULE));

        assertThat(resolved.modules())
                .extracting(module -> module.reference().descriptor())
                .filteredOn(ModuleDescriptor::isAutomatic)
                .isEmpty();
    }

    private ModuleReference module() {
        return everythingOnTheClassPath.find(MODULE).orElseThrow();
    }

    private static Path[] classPath() {
        return Arrays.stream(System.getProperty("java.class.path").split(java.io.File.pathSeparator))
                .map(Path::of)
                // Jars that no module of ours can need, and a directory of tests, which is no module.
                .filter(path -> path.getFileName().toString().matches("classes|(netty-|jna-).*\\.jar"))
                .toArray(Path[]::new);
    }
}
