/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.timer;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;

/** The timers in a wheel, for tests that look for those that were left there. */
public final class ArmedTimers {
    private ArmedTimers() {}

    /** The names of the classes of the timers that are armed. */
    public static List<String> of(TimerWheel wheel) {
        List<String> names = new ArrayList<>();
        try {
            Field slots = TimerWheel.class.getDeclaredField("slots");
            slots.setAccessible(true);
            for (Timer first : (Timer[]) slots.get(wheel)) {
                for (Timer timer = first; timer != null; timer = timer.next == first ? null : timer.next) {
                    names.add(timer.getClass().getName());
                }
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
        if (names.size() != wheel.size()) {
            throw new IllegalStateException(wheel.size() + " timers are armed, and there are " + names);
        }
        return names;
    }
}
