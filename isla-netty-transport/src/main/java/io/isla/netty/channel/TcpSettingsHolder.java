/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpSettings;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The TCP settings of a channel: set and read by any thread, taken over by the connection on its own. Channels of one listener share its settings until one
 * of them has its own: most never do.
 */
final class TcpSettingsHolder {
    /** Not changed once {@link #shared}. */
    private TcpSettings settings;

    private boolean shared;
    private boolean changed;

    TcpSettingsHolder() {
        settings = new TcpSettings();
    }

    /** Starts with the present values of another holder. If they have changed since a listener was made with them, a connection of its may have others. */
    TcpSettingsHolder(TcpSettingsHolder other) {
        synchronized (other) {
            other.shared = true;
            settings = other.settings;
            changed = other.changed;
        }
        shared = true;
    }

    synchronized TcpSettings copy() {
        return new TcpSettings().copyFrom(settings);
    }

    synchronized <T> T get(Function<TcpSettings, T> getter) {
        return getter.apply(settings);
    }

    synchronized void set(Consumer<TcpSettings> setter) {
        if (shared) {
            settings = copy();
            shared = false;
        }
        setter.accept(settings);
        changed = true;
    }

    /** Puts what has changed since the last call into effect. The connection's thread. */
    void applyTo(TcpConnection connection, long now) {
        synchronized (this) {
            if (!changed) {
                return;
            }
            changed = false;
            connection.settings().copyFrom(settings);
        }
        connection.settingsChanged(now);
    }

    /** Forgets what has changed: a new connection or listener has been made with it. */
    synchronized void taken() {
        changed = false;
    }
}
