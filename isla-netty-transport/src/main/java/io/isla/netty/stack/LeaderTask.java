/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

/**
 * Something that one shard does for its whole host: the one that leads, whichever it is at the time. {@link #begin} and {@link #end} take turns, on different
 * threads perhaps, but never at the same time.
 */
public interface LeaderTask {
    /** A shard leads now. Called on its thread, after it has started. */
    void begin(Shard leader, long now);

    /** The shard ends, or the task was taken back. Called on its thread, while it still can send. */
    void end(Shard leader, long now);
}
