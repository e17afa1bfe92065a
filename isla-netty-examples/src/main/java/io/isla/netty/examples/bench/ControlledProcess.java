/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** A Java process that does what it is asked: the parent's end of a {@link ControlLoop}. One thread at a time. */
final class ControlledProcess implements AutoCloseable {
    private static final String END = "";
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final int STOP_SECONDS = 5;

    private final String name;
    private final Path log;
    private final Process process;
    private final PrintStream requests;
    private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();

    /**
     * Starts a process; {@link #awaitReady} tells when it is ready.
     *
     * @param name for messages, and for the file that its errors go to
     * @param directory where that file is
     */
    ControlledProcess(Children children, String name, Path directory, List<String> command) throws IOException {
        this.name = name;
        log = directory.resolve(name + ".log");
        process = children.start(
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.appendTo(new File(log.toString()))));
        requests = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
        Thread reader = new Thread(this::read, name + "-answers");
        reader.setDaemon(true);
        reader.start();
    }

    private void read() {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            lines.lines().forEach(answers::add);
        } catch (IOException | UncheckedIOException e) {
            // It has ended; so has what it says.
        }
        answers.add(END);
    }

    /** Waits until the process can be asked. */
    void awaitReady() throws IOException, InterruptedException {
        await(START_LIMIT, "start");
    }

    /**
     * Asks for something.
     *
     * @param limit how long the answer may take
     * @return the values in the answer, by name
     * @throws IOException if there is none, or it is that something has failed
     */
    Map<String, String> ask(Duration limit, Object... words) throws IOException, InterruptedException {
        return await(limit, send(words));
    }

    /** Sends a request, whose answer is {@linkplain #await awaited} later; returns it as it was sent. */
    String send(Object... words) {
        String request = Arrays.stream(words).map(String::valueOf).collect(Collectors.joining(" "));
        requests.println(request);
        return request;
    }

    /** Waits for the next answer, which is to {@code request}. */
    Map<String, String> await(Duration limit, String request) throws IOException, InterruptedException {
        String answer = answers.poll(limit.toMillis(), TimeUnit.MILLISECONDS);
        if (answer == null) {
            throw new IOException(name + " does not answer: " + request + tail());
        }
        if (answer.isEmpty()) {
            answers.add(END);
            throw new IOException(name + " has ended instead of an answer: " + request + tail());
        }
        Map<String, String> values = parse(answer);
        if (values == null) {
            throw new IOException(name + " could not: " + request + ": " + answer + tail());
        }
        return values;
    }

    /** The values of an answer; {@code null} if it is that something has failed. */
    static Map<String, String> parse(String answer) {
        String[] words = answer.split(" ");
        if (!words[0].equals("ok")) {
            return null;
        }
        Map<String, String> values = new HashMap<>();
        for (int i = 1; i < words.length; i++) {
            int equals = words[i].indexOf('=');
            values.put(words[i].substring(0, equals), words[i].substring(equals + 1));
        }
        return values;
    }

    private String tail() throws IOException {
        String text = Files.exists(log) ? Files.readString(log).strip() : "";
        return text.isEmpty() ? "" : "\n" + text.substring(Math.max(0, text.length() - 2000));
    }

    /** Seconds of processor time that the process has taken. */
    double cpuSeconds() throws IOException {
        try {
            return ProcFiles.cpuSeconds(process.pid());
        } catch (NoSuchFileException e) {
            throw new IOException(name + " has ended" + tail(), e);
        }
    }

    /** Has the process end by itself, by closing the line to it; makes it if it does not. */
    @Override
    public void close() {
        requests.close();
        try {
            if (process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Children.stop(List.of(process));
    }
}
