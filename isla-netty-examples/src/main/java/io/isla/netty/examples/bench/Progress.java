/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.io.PrintStream;
import java.time.Duration;

/** Says how far it has come: on a terminal in one line that changes, elsewhere a line for each step. */
final class Progress {
    private static final String CLEAR = "\r\033[K";

    private final PrintStream out;
    private final boolean live;
    private final int steps;
    private final long started;
    private int step;

    /**
     * @param live whether to change one line
     * @param steps how many there will be, at most
     * @param now in nanoseconds
     */
    Progress(PrintStream out, boolean live, int steps, long now) {
        this.out = out;
        this.live = live;
        this.steps = steps;
        started = now;
    }

    /** Says what is done now that is no step: it takes time, and nothing is measured. */
    void preparing(String what, long now) {
        print(what, now);
    }

    /** Says that a step begins. */
    void step(String what, long now) {
        step++;
        print(what, now);
    }

    private void print(String what, long now) {
        long elapsed = now - started;
        StringBuilder line = new StringBuilder("[" + step + "/" + steps + "] " + what + ", " + time(elapsed));
        if (step > 1) {
            line.append(", about ")
                    .append(time(elapsed / (step - 1) * (steps - step + 1)))
                    .append(" left");
        }
        out.print(live ? CLEAR + line : line + System.lineSeparator());
        out.flush();
    }

    private static String time(long nanos) {
        Duration duration = Duration.ofNanos(nanos);
        return String.format("%d:%02d", duration.toMinutes(), duration.toSecondsPart());
    }

    /** Leaves no half line behind. */
    void end() {
        if (live) {
            out.print(CLEAR);
            out.flush();
        }
    }
}
