/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The programs that a measurement needs beside this one. */
final class Tools {
    private Tools() {}

    /**
     * What is missing, as a person may be told.
     *
     * @param programs what is needed, each with the Debian package that has it
     * @param path directories, with colons between
     * @return a sentence for each that is missing
     */
    static List<String> missing(Map<String, String> programs, String path) {
        List<String> missing = new ArrayList<>();
        programs.forEach((program, debianPackage) -> {
            for (String directory : path.split(":")) {
                if (Files.isExecutable(Path.of(directory.isEmpty() ? "." : directory, program))) {
                    return;
                }
            }
            missing.add("the program " + program + " is missing; install it (Debian: apt-get install " + debianPackage
                    + ")");
        });
        return missing;
    }
}
