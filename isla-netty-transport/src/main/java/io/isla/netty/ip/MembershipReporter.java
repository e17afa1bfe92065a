/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.timer.Timer;
import io.isla.netty.wire.IpAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Tells routers which multicast groups this host is in: the host side of IGMPv3 and MLDv2 (RFC 9776 §5, RFC 9777 §6), and of their
 * predecessors where an old querier is present (RFC 9776 §7.2, RFC 9777 §8.2). One for each IP version, active on the shard that leads.
 */
final class MembershipReporter {
    /** The messages of one IP version. */
    interface Messages {
        /** Begins a report of the present version. */
        void beginReport();

        /** Adds a record to the report; sends what there is first if it would become too long. */
        void addRecord(int type, IpAddress group, Collection<IpAddress> sources);

        /** Sends what is in the report, if anything. */
        void endReport();

        /** Sends a report of an old version. */
        void sendOldReport(IpAddress group, boolean oldest);

        /** Says that a group was left, in an old version that can. */
        void sendOldLeave(IpAddress group);
    }

    // Record types, the same in both protocols.
    static final int MODE_IS_INCLUDE = 1;
    static final int MODE_IS_EXCLUDE = 2;
    static final int CHANGE_TO_INCLUDE_MODE = 3;
    static final int CHANGE_TO_EXCLUDE_MODE = 4;
    static final int ALLOW_NEW_SOURCES = 5;
    static final int BLOCK_OLD_SOURCES = 6;

    /** What the querier speaks, the newest first. */
    enum Version {
        /** IGMPv3 or MLDv2. */
        CURRENT,
        /** IGMPv2 or MLDv1. */
        OLD,
        /** IGMPv1. */
        OLDEST
    }

    /** Robustness Variable, unless the querier tells another. */
    static final int DEFAULT_ROBUSTNESS = 2;
    /** Query Interval, unless the querier tells another. */
    static final long DEFAULT_QUERY_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(125);
    /** Unsolicited Report Interval, and that of old versions. */
    static final long UNSOLICITED_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

    static final long OLD_UNSOLICITED_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final long QUERY_RESPONSE_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final IpContext context;
    private final Messages messages;
    private final boolean v4;
    private final Timer changes = new Timer() {
        @Override
        protected void expire(long now) {
            reportChanges(now);
        }
    };
    private final Timer generalAnswer = new Timer() {
        @Override
        protected void expire(long now) {
            reportAll();
        }
    };
    private boolean active;
    private int robustness = DEFAULT_ROBUSTNESS;
    private long queryIntervalNanos = DEFAULT_QUERY_INTERVAL_NANOS;
    private Version version = Version.CURRENT;
    /** Until when an old querier is taken to be present. */
    private long oldUntil;

    MembershipReporter(IpContext context, Messages messages, boolean v4) {
        this.context = context;
        this.messages = messages;
        this.v4 = v4;
    }

    /** Begins, with the groups there are. */
    void start(long now) {
        active = true;
        for (MulticastGroup group : context.groups.all(v4)) {
            if (MulticastGroups.isReported(group.address)) {
                group.previous = MulticastFilter.NOTHING;
                changed(group, now);
            }
        }
    }

    /** What is wanted of a group has changed. */
    void changed(MulticastGroup group, long now) {
        if (!active) {
            settle(group);
            return;
        }
        if (version(now) == Version.CURRENT) {
            noteChange(group);
            group.changeReportsLeft = robustness;
            messages.beginReport();
            boolean again = reportChange(group);
            messages.endReport();
            if (again) {
                armChanges(now);
            }
        } else {
            changedOld(group, now);
        }
    }

    /**
     * A query has arrived.
     *
     * @param queried its version
     * @param group what it asks about; {@code null} for all
     * @param sources the sources it asks about; empty for all
     * @param maxDelayNanos by when to answer
     * @param querierRobustness of the querier, 0 if it does not tell
     * @param querierIntervalNanos of the querier, 0 if it does not tell
     */
    void receiveQuery(
            Version queried,
            IpAddress group,
            List<IpAddress> sources,
            long maxDelayNanos,
            int querierRobustness,
            long querierIntervalNanos,
            long now) {
        if (!active) {
            return;
        }
        if (queried == Version.CURRENT) {
            robustness = querierRobustness == 0 ? DEFAULT_ROBUSTNESS : querierRobustness;
            queryIntervalNanos = querierIntervalNanos == 0 ? DEFAULT_QUERY_INTERVAL_NANOS : querierIntervalNanos;
        } else if (version(now).compareTo(queried) <= 0) {
            // Older Version Querier Present Timeout.
            oldUntil = now + robustness * queryIntervalNanos + QUERY_RESPONSE_NANOS;
            if (version != queried) {
                version = queried;
                becomeOld();
            }
        }
        long delay = Math.floorMod(context.random.getAsLong(), Math.max(1, maxDelayNanos));
        if (version(now) != Version.CURRENT) {
            answerOld(group, delay, now);
        } else if (generalAnswer.isArmed() && generalAnswer.deadline() - (now + delay) <= 0) {
            // RFC 9776 §5.2 rule 1: an answer about everything comes sooner.
            return;
        } else if (group == null) {
            context.timers.arm(generalAnswer, now + delay);
        } else {
            MulticastGroup member = context.groups.find(group);
            if (member != null && member.hasMembers() && MulticastGroups.isReported(group)) {
                scheduleAnswer(member, sources, delay, now);
            }
        }
    }

    /** With old queriers, another host's report of a group makes ours needless (RFC 2236 §3). */
    void receiveReport(IpAddress group, long now) {
        MulticastGroup member = context.groups.find(group);
        if (member != null && version(now) != Version.CURRENT) {
            context.timers.cancel(member);
            member.lastReporter = false;
        }
    }

    /** The time to answer a query about a group has come. */
    void answer(MulticastGroup group, long now) {
        if (!group.hasMembers()) {
            group.queriedSources.clear();
            return;
        }
        if (version(now) != Version.CURRENT) {
            messages.sendOldReport(group.address, version == Version.OLDEST);
            group.lastReporter = true;
            return;
        }
        messages.beginReport();
        if (group.queriedSources.isEmpty()) {
            addCurrentState(group);
        } else {
            Set<IpAddress> heard = new LinkedHashSet<>(group.queriedSources);
            if (group.filter.include()) {
                heard.retainAll(group.filter.sources());
            } else {
                heard.removeAll(group.filter.sources());
            }
            if (!heard.isEmpty()) {
                messages.addRecord(MODE_IS_INCLUDE, group.address, heard);
            }
            group.queriedSources.clear();
        }
        messages.endReport();
    }

    void close() {
        context.timers.cancel(changes);
        context.timers.cancel(generalAnswer);
        for (MulticastGroup group : context.groups.all(v4)) {
            context.timers.cancel(group);
        }
        active = false;
    }

    /** What is spoken now: the current version again once an old querier has not been heard for long. */
    private Version version(long now) {
        if (version != Version.CURRENT && oldUntil - now <= 0) {
            version = Version.CURRENT;
        }
        return version;
    }

    // RFC 9776 §7.2.1: on a change of version, what is pending is dropped.
    private void becomeOld() {
        context.timers.cancel(changes);
        context.timers.cancel(generalAnswer);
        for (MulticastGroup group : context.groups.all(v4)) {
            context.timers.cancel(group);
            group.queriedSources.clear();
            settle(group);
        }
    }

    private void changedOld(MulticastGroup group, long now) {
        boolean was = !group.previous.isNothing();
        boolean is = !group.filter.isNothing();
        if (is && !was) {
            messages.sendOldReport(group.address, version == Version.OLDEST);
            group.lastReporter = true;
            // RFC 2236 §3: once or twice again, in case the first is lost.
            context.timers.arm(group, now + Math.floorMod(context.random.getAsLong(), OLD_UNSOLICITED_INTERVAL_NANOS));
        } else if (was && !is) {
            context.timers.cancel(group);
            if (group.lastReporter && version == Version.OLD) {
                messages.sendOldLeave(group.address);
            }
        }
        settle(group);
    }

    private void answerOld(IpAddress group, long delay, long now) {
        if (group != null) {
            MulticastGroup member = context.groups.find(group);
            if (member != null && member.hasMembers() && MulticastGroups.isReported(group)) {
                scheduleAnswer(member, List.of(), delay, now);
            }
            return;
        }
        long spread = Math.max(1, delay);
        for (MulticastGroup member : context.groups.all(v4)) {
            if (member.hasMembers() && MulticastGroups.isReported(member.address)) {
                scheduleAnswer(member, List.of(), Math.floorMod(context.random.getAsLong(), spread), now);
            }
        }
    }

    private void scheduleAnswer(MulticastGroup group, List<IpAddress> sources, long delay, long now) {
        boolean pending = group.isArmed();
        if (sources.isEmpty() || pending && group.queriedSources.isEmpty()) {
            // One of the two asks about the whole group.
            group.queriedSources.clear();
        } else {
            for (IpAddress source : sources) {
                if (group.queriedSources.size() < MulticastMembership.MAX_SOURCES) {
                    group.queriedSources.add(source);
                }
            }
        }
        long deadline = now + delay;
        context.timers.arm(group, pending && group.deadline() - deadline < 0 ? group.deadline() : deadline);
    }

    private void reportAll() {
        messages.beginReport();
        for (MulticastGroup group : context.groups.all(v4)) {
            if (group.hasMembers() && MulticastGroups.isReported(group.address)) {
                addCurrentState(group);
            }
        }
        messages.endReport();
    }

    private void addCurrentState(MulticastGroup group) {
        MulticastFilter filter = group.filter;
        if (!filter.isNothing()) {
            messages.addRecord(filter.include() ? MODE_IS_INCLUDE : MODE_IS_EXCLUDE, group.address, filter.sources());
        }
    }

    private void reportChanges(long now) {
        boolean again = false;
        messages.beginReport();
        for (MulticastGroup group : context.groups.all(v4)) {
            if (group.changeReportsLeft > 0) {
                again |= reportChange(group);
            }
        }
        messages.endReport();
        if (again) {
            armChanges(now);
        }
    }

    /** Adds what has changed of a group to the report; returns whether that is to be said again. */
    private boolean reportChange(MulticastGroup group) {
        addChange(group);
        if (--group.changeReportsLeft > 0) {
            return true;
        }
        settle(group);
        return false;
    }

    private void settle(MulticastGroup group) {
        group.settle();
        context.groups.reportedInFull(group);
    }

    /** Adds a change to those that are being reported: what was said before it, routers may have heard. */
    private static void noteChange(MulticastGroup group) {
        if (group.previous.include() != group.filter.include()) {
            group.modeChanged = true;
            group.changedSources.clear();
        } else if (!group.modeChanged) {
            group.changedSources.addAll(group.filter.difference(group.previous));
        }
        group.previous = group.filter;
    }

    private void armChanges(long now) {
        if (!changes.isArmed()) {
            context.timers.arm(changes, now + Math.floorMod(context.random.getAsLong(), UNSOLICITED_INTERVAL_NANOS));
        }
    }

    /** The records that tell what is wanted now, where it has changed (RFC 9776 §5.1). */
    private void addChange(MulticastGroup group) {
        MulticastFilter filter = group.filter;
        if (group.modeChanged) {
            messages.addRecord(
                    filter.include() ? CHANGE_TO_INCLUDE_MODE : CHANGE_TO_EXCLUDE_MODE,
                    group.address,
                    filter.sources());
            return;
        }
        List<IpAddress> allowed = new ArrayList<>();
        List<IpAddress> blocked = new ArrayList<>();
        for (IpAddress source : group.changedSources) {
            (filter.accepts(source) ? allowed : blocked).add(source);
        }
        if (!allowed.isEmpty()) {
            messages.addRecord(ALLOW_NEW_SOURCES, group.address, allowed);
        }
        if (!blocked.isEmpty()) {
            messages.addRecord(BLOCK_OLD_SOURCES, group.address, blocked);
        }
    }
}
