/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim.junit;

import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What builds a project, as far as one can tell from its files.
 *
 * @param directory the module's
 */
record BuildTool(Path directory) {
    /** The line that runs one test with one seed. */
    String line(Class<?> test, Method method, long seed) {
        String property = " -Dio.isla.seed=" + seed;
        if (has("pom.xml") || !has("build.gradle") && !has("build.gradle.kts")) {
            return "mvn test -Dtest=" + quoted(nameInPackage(test) + "#" + method.getName()) + property
                    // Pasted where the whole project is built, it is not to fail in modules that have no such test.
                    + (has("../pom.xml") ? " -Dsurefire.failIfNoSpecifiedTests=false" : "");
        }
        return "gradle test --tests " + quoted(test.getName() + "." + method.getName()) + property;
    }

    private boolean has(String file) {
        return Files.isRegularFile(directory.toAbsolutePath().resolve(file));
    }

    /** The dollar sign in the name of a nested class is one for the shell, too. */
    private static String quoted(String text) {
        return text.indexOf('$') < 0 ? text : "'" + text + "'";
    }

    /** The name of a class with those that it is nested in. */
    static String nameInPackage(Class<?> type) {
        return type.getName()
                .substring(
                        type.getPackageName().isEmpty()
                                ? 0
                                : type.getPackageName().length() + 1);
    }
}
