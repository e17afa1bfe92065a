/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.stack.ThreadChannelIds;
import io.netty.channel.ChannelId;
import java.util.function.Supplier;

/** Names channels one after the other, so that they have the same names each time. */
final class ChannelNames implements Supplier<ChannelId> {
    private final Supplier<ChannelId> outer;
    private int last;
    private boolean closed;

    private ChannelNames(Supplier<ChannelId> outer) {
        this.outer = outer;
    }

    /** Names the channels that this thread makes from now on. */
    static ChannelNames open() {
        ChannelNames names = new ChannelNames(ThreadChannelIds.source());
        ThreadChannelIds.source(names);
        return names;
    }

    /** Leaves the channels of this thread to whoever named them before, or to the last of those who came later. */
    void close() {
        closed = true;
        Supplier<ChannelId> source = ThreadChannelIds.source();
        while (source instanceof ChannelNames names && names.closed) {
            source = names.outer;
        }
        ThreadChannelIds.source(source);
    }

    @Override
    public ChannelId get() {
        return new Name(++last);
    }

    /** Equal to itself only: another network has channels of the same names. */
    private static final class Name implements ChannelId {
        private static final long serialVersionUID = 1;

        private final int number;

        Name(int number) {
            this.number = number;
        }

        @Override
        public String asShortText() {
            return String.format("%08x", number);
        }

        @Override
        public String asLongText() {
            return "virtual-" + asShortText();
        }

        @Override
        public int compareTo(ChannelId other) {
            return other instanceof Name that
                    ? Integer.compare(number, that.number)
                    : asLongText().compareTo(other.asLongText());
        }

        @Override
        public String toString() {
            return asShortText();
        }
    }
}
