/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The child's end of the line to the process that measures: a request is a line of words on standard input, its answer a line on standard
 * output, {@code ok} with {@code name=value} pairs or {@code error} with a message. When the other end is gone, the child ends.
 */
public final class ControlLoop {
    /** What a child can be asked. */
    @FunctionalInterface
    public interface Handler {
        /** Answers a request. */
        Map<String, ?> handle(List<String> words) throws Exception;
    }

    private ControlLoop() {}

    /** Says that it is ready, and answers requests until there are no more. */
    public static void run(InputStream in, PrintStream out, Handler handler) throws IOException {
        BufferedReader requests = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        out.println("ok");
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            out.println(answer(line, handler));
            out.flush();
        }
    }

    private static String answer(String line, Handler handler) {
        try {
            return handler.handle(List.of(line.split(" "))).entrySet().stream()
                    .map(entry -> " " + entry.getKey() + "=" + entry.getValue())
                    .collect(Collectors.joining("", "ok", ""));
        } catch (Exception e) {
            String message = "error " + e + (e.getCause() == null ? "" : ": " + e.getCause());
            return message.replace('\n', ' ');
        }
    }
}
