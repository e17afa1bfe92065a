/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim.junit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The line that runs a test again, to be pasted into a shell. */
class BuildToolTest {
    @TempDir
    Path project;

    private Path module;

    @BeforeEach
    void makeModule() throws IOException {
        module = Files.createDirectory(project.resolve("module"));
    }

    private String line(Class<?> test) throws NoSuchMethodException {
        Method method = BuildToolTest.class.getDeclaredMethod("makeModule");
        return new BuildTool(module).line(test, method, -3);
    }

    @Test
    void aMavenProject() throws Exception {
        Files.createFile(module.resolve("pom.xml"));
        Files.createFile(module.resolve("build.gradle"));

        assertThat(line(BuildToolTest.class)).isEqualTo("mvn test -Dtest=BuildToolTest#makeModule -Dio.isla.seed=-3");
    }

    @Test
    void aModuleOfAMavenProject() throws Exception {
        Files.createFile(module.resolve("pom.xml"));
        Files.createFile(project.resolve("pom.xml"));

        assertThat(line(BuildToolTest.class))
                .isEqualTo("mvn test -Dtest=BuildToolTest#makeModule -Dio.isla.seed=-3"
                        + " -Dsurefire.failIfNoSpecifiedTests=false");
    }

    @Test
    void aNestedClass() throws Exception {
        assertThat(line(Inner.class)).isEqualTo("mvn test -Dtest='BuildToolTest$Inner#makeModule' -Dio.isla.seed=-3");
    }

    @Test
    void aGradleProject() throws Exception {
        Files.createFile(module.resolve("build.gradle.kts"));

        assertThat(line(BuildToolTest.class))
                .isEqualTo("gradle test --tests io.isla.netty.sim.junit.BuildToolTest.makeModule -Dio.isla.seed=-3");
        assertThat(line(Inner.class))
                .isEqualTo("gradle test --tests 'io.isla.netty.sim.junit.BuildToolTest$Inner.makeModule'"
                        + " -Dio.isla.seed=-3");
    }

    private static final class Inner {}
}
