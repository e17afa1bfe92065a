/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ProgressTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

    private static long seconds(long seconds) {
        return TimeUnit.SECONDS.toNanos(seconds);
    }

    @Test
    void printsALineForEachStepAndWhatIsLeft() {
        Progress progress = new Progress(out, false, 4, seconds(100));
        progress.preparing("starting", seconds(100));
        progress.step("first", seconds(110));
        progress.step("second", seconds(130));
        progress.step("third", seconds(230));
        progress.end();

        assertThat(bytes.toString(StandardCharsets.UTF_8).lines())
                .containsExactly(
                        "[0/4] starting, 0:00",
                        "[1/4] first, 0:10",
                        "[2/4] second, 0:30, about 1:30 left",
                        "[3/4] third, 2:10, about 2:10 left");
    }

    @Test
    void changesOneLineOnATerminal() {
        Progress progress = new Progress(out, true, 2, 0);
        progress.step("first", 0);
        progress.step("second", seconds(5));
        progress.end();

        String printed = bytes.toString(StandardCharsets.UTF_8);
        assertThat(printed).doesNotContain("\n").startsWith("\r").endsWith("\r\033[K");
        assertThat(printed.split("\r")).hasSize(4);
    }
}
