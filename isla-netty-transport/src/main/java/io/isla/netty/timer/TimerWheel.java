/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.timer;

/**
 * A hierarchical timing wheel (Varghese and Lauck, 1987, scheme 7): arming, re-arming and cancelling cost O(1) and allocate
 * nothing, and the next deadline is found in O(levels) from a bitmap of the occupied slots.
 *
 * <p>The first level has a resolution of 2<sup>17</sup> ns (131 µs); a timer expires at its deadline or at most one such
 * tick later, never early. Deadlines further away than the last level are kept in its furthest slot and placed again
 * when that slot comes up.
 *
 * <p>Not thread-safe. Time is whatever the caller passes, in nanoseconds of any origin; it must not run backwards.
 */
public final class TimerWheel {
    private static final int TICK_SHIFT = 17;
    private static final int LEVEL_BITS = 6;
    private static final int SLOTS = 1 << LEVEL_BITS;
    private static final int SLOT_MASK = SLOTS - 1;
    private static final int LEVELS = 6;
    private static final long MAX_TICKS = 1L << LEVEL_BITS * LEVELS;

    /** Returned by {@link #nextDeadline()} when no timer is armed. */
    public static final long NONE = Long.MAX_VALUE;

    private final Timer[] slots = new Timer[SLOTS * LEVELS];
    private final long[] occupied = new long[LEVELS];
    private final long origin;
    /** The tick up to and including which everything has been expired. */
    private long currentTick;

    private int size;

    /**
     * Creates an empty wheel.
     *
     * @param now the present, in nanoseconds
     */
    public TimerWheel(long now) {
        origin = now;
    }

    /** How many timers are armed. */
    public int size() {
        return size;
    }

    /**
     * Arms a timer, or moves it if it is armed.
     *
     * @param timer the timer
     * @param deadline when to call {@link Timer#expire(long)}, in nanoseconds; a time in the past means the next tick
     */
    public void arm(Timer timer, long deadline) {
        if (timer.slot != Timer.UNARMED) {
            if (timer.deadline == deadline) {
                return;
            }
            unlink(timer);
        } else {
            size++;
        }
        timer.deadline = deadline;
        link(timer);
    }

    /** Cancels a timer; does nothing if it is not armed. */
    public void cancel(Timer timer) {
        if (timer.slot != Timer.UNARMED) {
            unlink(timer);
            size--;
        }
    }

    /**
     * Expires every timer whose deadline has passed, in the order of their ticks.
     *
     * @param now the present, in nanoseconds
     * @return how many expired
     */
    public int advance(long now) {
        long target = now - origin >> TICK_SHIFT;
        int expired = 0;
        while (size > 0) {
            long due = nextOccupiedTick();
            if (due > target) {
                break;
            }
            currentTick = due;
            expired += expireTick(now);
        }
        if (target > currentTick) {
            currentTick = target;
        }
        return expired;
    }

    /**
     * The time by which {@link #advance(long)} should next be called, in nanoseconds, or {@link #NONE}. For a timer that is far
     * away this may be earlier than its deadline (when it moves to a finer level); it is never later than the tick after it.
     */
    public long nextDeadline() {
        return size == 0 ? NONE : origin + (nextOccupiedTick() << TICK_SHIFT);
    }

    private int expireTick(long now) {
        // Coarser levels first: what they hold for this tick moves to a finer level, at last to the slot that expires
        // now.
        for (int level = LEVELS - 1; level > 0; level--) {
            int shift = level * LEVEL_BITS;
            if ((currentTick & (1L << shift) - 1) == 0) {
                cascade(level, (int) (currentTick >> shift) & SLOT_MASK);
            }
        }
        int index = (int) currentTick & SLOT_MASK;
        int expired = 0;
        // A timer armed from within expire() lands in a later tick, so this ends.
        for (Timer timer = slots[index]; timer != null; timer = slots[index]) {
            unlink(timer);
            size--;
            expired++;
            timer.expire(now);
        }
        return expired;
    }

    private void cascade(int level, int index) {
        int slot = (level << LEVEL_BITS) + index;
        Timer timer = slots[slot];
        slots[slot] = null;
        occupied[level] &= ~(1L << index);
        while (timer != null) {
            Timer next = timer.next;
            timer.next = null;
            timer.previous = null;
            linkFromTick(timer, currentTick);
            timer = next;
        }
    }

    private void link(Timer timer) {
        linkFromTick(timer, currentTick + 1);
    }

    private void linkFromTick(Timer timer, long earliest) {
        // Rounded up, so that no timer expires before its deadline.
        long tick = timer.deadline - origin + (1L << TICK_SHIFT) - 1 >> TICK_SHIFT;
        if (tick < earliest) {
            tick = earliest;
        } else if (tick - currentTick >= MAX_TICKS) {
            tick = currentTick + MAX_TICKS - 1;
        }
        long differing = tick ^ currentTick;
        int level = differing == 0 ? 0 : (63 - Long.numberOfLeadingZeros(differing)) / LEVEL_BITS;
        if (level >= LEVELS) {
            // The tick is within range but across a boundary of the whole wheel: the last level wraps round.
            level = LEVELS - 1;
        }
        int index = (int) (tick >> level * LEVEL_BITS) & SLOT_MASK;
        int slot = (level << LEVEL_BITS) + index;
        timer.slot = slot;
        // Appended at the end would keep order within a tick but needs a tail per slot; order within 131 µs is not
        // promised.
        Timer head = slots[slot];
        timer.next = head;
        timer.previous = null;
        if (head != null) {
            head.previous = timer;
        }
        slots[slot] = timer;
        occupied[level] |= 1L << index;
    }

    private void unlink(Timer timer) {
        int slot = timer.slot;
        Timer next = timer.next;
        Timer previous = timer.previous;
        if (previous != null) {
            previous.next = next;
        } else {
            slots[slot] = next;
            if (next == null) {
                occupied[slot >> LEVEL_BITS] &= ~(1L << (slot & SLOT_MASK));
            }
        }
        if (next != null) {
            next.previous = previous;
        }
        timer.next = null;
        timer.previous = null;
        timer.slot = Timer.UNARMED;
    }

    /** The first tick after the current one at which a slot expires or cascades. */
    private long nextOccupiedTick() {
        long best = Long.MAX_VALUE;
        for (int level = 0; level < LEVELS; level++) {
            long bits = occupied[level];
            if (bits != 0) {
                int shift = level * LEVEL_BITS;
                long position = currentTick >> shift;
                int from = (int) (position + 1) & SLOT_MASK;
                int distance = Long.numberOfTrailingZeros(Long.rotateRight(bits, from)) + 1;
                long tick = position + distance << shift;
                if (tick < best) {
                    best = tick;
                }
            }
        }
        return best;
    }
}
