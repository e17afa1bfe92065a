/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Hears what is logged as a warning or worse: an exception that an event loop has survived, say. */
public final class LogWatch extends Handler implements AutoCloseable {
    private static final Logger ROOT = Logger.getLogger("");

    private final List<String> warnings = new CopyOnWriteArrayList<>();

    /** Begins to listen. */
    public LogWatch() {
        setLevel(Level.WARNING);
        ROOT.addHandler(this);
    }

    /** What was logged since. */
    public List<String> warnings() {
        return warnings;
    }

    @Override
    public void publish(LogRecord entry) {
        if (isLoggable(entry)) {
            warnings.add(entry.getLoggerName() + ": " + entry.getMessage() + " " + entry.getThrown());
        }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
        ROOT.removeHandler(this);
    }
}
