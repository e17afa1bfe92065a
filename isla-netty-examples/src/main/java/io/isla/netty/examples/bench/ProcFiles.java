/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the kernel says in {@code /proc}. */
final class ProcFiles {
    /** USER_HZ, the unit of times in /proc, is the same in all Linux kernels for these architectures. */
    private static final double TICKS_PER_SECOND = 100;

    private static final int UTIME = 13;
    private static final int FIRST_FIELD_AFTER_NAME = 2;
    /** user, nice, system, idle, iowait, irq, softirq, steal. */
    private static final int IDLE = 3;

    private static final int IOWAIT = 4;
    private static final int STEAL = 7;

    private ProcFiles() {}

    /** Processor time of a process, its own and the kernel's for it, in seconds. */
    static double cpuSeconds(long pid) throws IOException {
        return cpuSeconds(Files.readString(Path.of("/proc", Long.toString(pid), "stat")));
    }

    /** The same, of what is in {@code /proc/PID/stat}. */
    static double cpuSeconds(String stat) {
        // The name, in parentheses, may hold anything.
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        int utime = UTIME - FIRST_FIELD_AFTER_NAME;
        return (Long.parseLong(fields[utime]) + Long.parseLong(fields[utime + 1])) / TICKS_PER_SECOND;
    }

    /** Processor time that all processors have been busy for, in seconds. */
    static double machineCpuSeconds() throws IOException {
        return machineCpuSeconds(Files.readString(Path.of("/proc/stat")));
    }

    /** The same, of what is in {@code /proc/stat}. */
    static double machineCpuSeconds(String stat) {
        String[] fields = stat.lines().findFirst().orElseThrow().trim().split("\\s+");
        double ticks = 0;
        for (int i = 0; i < STEAL; i++) {
            if (i != IDLE && i != IOWAIT) {
                ticks += Long.parseLong(fields[i + 1]);
            }
        }
        return ticks / TICKS_PER_SECOND;
    }

    /**
     * A value in a file such as {@code /proc/meminfo} or {@code /proc/PID/status}, in bytes.
     *
     * @param text lines such as {@code Slab: 80 kB}
     */
    static long bytes(String text, String name) {
        Matcher matcher = Pattern.compile("(?m)^" + name + ":\\s+(\\d+) kB").matcher(text);
        if (!matcher.find()) {
            throw new IllegalArgumentException("there is no " + name);
        }
        return Long.parseLong(matcher.group(1)) * 1024;
    }

    /** The memory of the kernel's own objects, sockets among them, in bytes. */
    static long slabBytes() throws IOException {
        return bytes(Files.readString(Path.of("/proc/meminfo")), "Slab");
    }

    /** The memory that this process has in RAM, in bytes. */
    static long residentBytes() throws IOException {
        return bytes(Files.readString(Path.of("/proc/self/status")), "VmRSS");
    }
}
