/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.link.MacAddress;
import io.isla.netty.timer.Timer;
import io.isla.netty.wire.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Makes the host's own IPv6 addresses (RFC 4862) on the shard that leads: a link-local one, one in each prefix that routers advertise for
 * it, with identifiers that are stable and opaque (RFC 7217), and temporary ones besides, if wanted (RFC 8981).
 */
final class AddressAutoconfiguration {
    /** What acts on the stack. */
    interface Host {
        /** Adds an address that is known to be free. */
        InterfaceAddress addAutoconfigured(IpAddress address, boolean temporary, long now);

        /** Removes an address whose time is up. */
        void removeAutoconfigured(InterfaceAddress address, long now);

        /** The link-local address can be used. */
        void linkLocalReady(long now);
    }

    /** The most addresses, temporary ones included. */
    static final int MAX_ADDRESSES = 32;
    /** IDGEN_RETRIES (RFC 7217 §6), and TEMP_IDGEN_RETRIES. */
    static final int MAX_CONFLICTS = 3;
    /** RFC 4862 §5.5.3 (e): an unauthenticated advertisement cannot make an address end sooner than this. */
    static final long TWO_HOURS = TimeUnit.HOURS.toNanos(2);
    /** TEMP_VALID_LIFETIME (RFC 8981 §3.8). */
    static final long TEMPORARY_VALID_NANOS = TimeUnit.DAYS.toNanos(2);
    /** TEMP_PREFERRED_LIFETIME. */
    static final long TEMPORARY_PREFERRED_NANOS = TimeUnit.DAYS.toNanos(1);
    /** REGEN_ADVANCE: the time to make a new address before the old one is deprecated. */
    static final long REGENERATION_ADVANCE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private static final long LINK_LOCAL_PREFIX = 0xfe80_0000_0000_0000L;
    /** Longer than any lifetime in seconds fits into: for ever. */
    private static final long FOREVER = Long.MAX_VALUE / 2;

    private static final long INFINITY = 0xffff_ffffL;
    private static final long MAX_DESYNC_NANOS = TEMPORARY_PREFERRED_NANOS / 10 * 4;

    private final class Entry extends Timer implements DuplicateAddressListener {
        final long prefixHigh;
        final boolean temporary;
        final long createdAt;
        IpAddress address;
        /** {@code null} while the address is tentative. */
        InterfaceAddress added;

        int conflicts;
        /** Time left from {@link #updatedAt}; {@link #FOREVER} never runs out. */
        long preferred;

        long valid;
        long updatedAt;
        /** Of a temporary address: whether its successor has been made. */
        boolean succeeded;

        Entry(long prefixHigh, boolean temporary, long now) {
            this.prefixHigh = prefixHigh;
            this.temporary = temporary;
            createdAt = now;
        }

        long preferredLeft(long now) {
            return preferred == FOREVER ? FOREVER : Math.max(0, preferred - (now - updatedAt));
        }

        long validLeft(long now) {
            return valid == FOREVER ? FOREVER : Math.max(0, valid - (now - updatedAt));
        }

        void setLifetimes(long valid, long preferred, long now) {
            this.valid = valid;
            this.preferred = Math.min(preferred, valid);
            updatedAt = now;
        }

        @Override
        public void detectionFinished(IpAddress found, boolean duplicate, MacAddress other, long now) {
            if (duplicate) {
                if (added != null) {
                    giveUp(this, now);
                    added = null;
                }
                conflicted(this, now);
            } else if (added == null) {
                added = host.addAutoconfigured(found, temporary, now);
                context.listener.addressAdded(added);
                update(this, now);
                if (prefixHigh == LINK_LOCAL_PREFIX) {
                    host.linkLocalReady(now);
                }
            }
        }

        @Override
        protected void expire(long now) {
            update(this, now);
        }
    }

    private final IpContext context;
    private final Host host;
    private final DuplicateAddressDetector detector;
    private final List<Entry> entries = new ArrayList<>();

    AddressAutoconfiguration(IpContext context, DuplicateAddressDetector detector, Host host) {
        this.context = context;
        this.detector = detector;
        this.host = host;
    }

    /** Begins with the link-local address, unless it was taken over from another shard. */
    void start(long now) {
        for (int i = 0; i < entries.size(); i++) {
            if (entries.get(i).prefixHigh == LINK_LOCAL_PREFIX && entries.get(i).added != null) {
                host.linkLocalReady(now);
                return;
            }
        }
        Entry entry = new Entry(LINK_LOCAL_PREFIX, false, now);
        entry.setLifetimes(FOREVER, FOREVER, now);
        add(entry, now);
    }

    /** The link-local address, or {@code null} as long as there is none that can be used. */
    InterfaceAddress linkLocalAddress() {
        for (int i = 0; i < context.addresses.size(); i++) {
            InterfaceAddress address = context.addresses.get(i);
            if (!address.address().isV4() && address.address().isLinkLocal()) {
                return address;
            }
        }
        return null;
    }

    /**
     * A router advertises a prefix of 64 bits for addresses (RFC 4862 §5.5.3).
     *
     * @param validSeconds 0xffffffff for ever
     * @param preferredSeconds 0xffffffff for ever
     */
    void receivePrefix(long prefixHigh, long validSeconds, long preferredSeconds, long now) {
        if (!context.leader || !context.ipv6.autoconfigure() || preferredSeconds > validSeconds) {
            return;
        }
        long valid = validSeconds == INFINITY ? FOREVER : TimeUnit.SECONDS.toNanos(validSeconds);
        long preferred = preferredSeconds == INFINITY ? FOREVER : TimeUnit.SECONDS.toNanos(preferredSeconds);
        boolean known = false;
        for (int i = entries.size() - 1; i >= 0; i--) {
            Entry entry = entries.get(i);
            if (entry.prefixHigh == prefixHigh) {
                known = true;
                refresh(entry, valid, preferred, now);
            }
        }
        if (!known && valid > 0) {
            Entry entry = new Entry(prefixHigh, false, now);
            entry.setLifetimes(valid, preferred, now);
            add(entry, now);
            if (context.ipv6.temporaryAddresses()) {
                addTemporary(entry, now);
            }
        }
    }

    /** The link is up again, maybe at another network: finds out anew whether the addresses are free; those in use stay in use meanwhile. */
    void detectAgain(long now) {
        for (Entry entry : entries) {
            detector.start(entry.address, entry, now);
        }
    }

    /** The addresses there are, for the shard that leads next. */
    AutoconfiguredAddresses legacy() {
        List<AutoconfiguredAddresses.Made> made = new ArrayList<>();
        for (Entry entry : entries) {
            if (entry.added != null) {
                made.add(new AutoconfiguredAddresses.Made(
                        entry.prefixHigh,
                        entry.temporary,
                        entry.address,
                        entry.createdAt,
                        entry.conflicts,
                        entry.preferred,
                        entry.valid,
                        entry.updatedAt,
                        entry.succeeded));
            }
        }
        return new AutoconfiguredAddresses(made);
    }

    /** Goes on with the addresses that another shard has made; they are this one's already. */
    void adopt(AutoconfiguredAddresses legacy, long now) {
        for (AutoconfiguredAddresses.Made made : legacy.made()) {
            InterfaceAddress address =
                    context.addresses.find(made.address().high(), made.address().low());
            if (address != null) {
                Entry entry = new Entry(made.prefixHigh(), made.temporary(), made.createdAt());
                entry.address = made.address();
                entry.added = address;
                entry.conflicts = made.conflicts();
                entry.preferred = made.preferred();
                entry.valid = made.valid();
                entry.updatedAt = made.updatedAt();
                entry.succeeded = made.succeeded();
                entries.add(entry);
                update(entry, now);
            }
        }
    }

    void close() {
        for (Entry entry : entries) {
            context.timers.cancel(entry);
        }
        entries.clear();
    }

    private void refresh(Entry entry, long valid, long preferred, long now) {
        if (entry.temporary) {
            // RFC 8981 §3.4 (1): as the prefix, but never longer than a temporary address may last.
            long age = now - entry.createdAt;
            entry.setLifetimes(
                    Math.min(valid, Math.max(0, TEMPORARY_VALID_NANOS - age)),
                    Math.min(preferred, Math.max(0, entry.preferredLeft(now))),
                    now);
        } else {
            long left = entry.validLeft(now);
            long newValid = valid > TWO_HOURS || valid > left ? valid : Math.min(left, TWO_HOURS);
            entry.setLifetimes(newValid, preferred, now);
        }
        update(entry, now);
    }

    private void add(Entry entry, long now) {
        if (entries.size() < MAX_ADDRESSES) {
            entries.add(entry);
            choose(entry);
            detector.start(entry.address, entry, now);
        }
    }

    private void addTemporary(Entry parent, long now) {
        Entry entry = new Entry(parent.prefixHigh, true, now);
        long desync = Math.floorMod(context.random.getAsLong(), MAX_DESYNC_NANOS);
        long preferred = Math.min(parent.preferredLeft(now), TEMPORARY_PREFERRED_NANOS - desync);
        if (preferred > REGENERATION_ADVANCE_NANOS) {
            entry.setLifetimes(Math.min(parent.validLeft(now), TEMPORARY_VALID_NANOS), preferred, now);
            add(entry, now);
        }
    }

    private void choose(Entry entry) {
        long identifier;
        int counter = entry.conflicts;
        do {
            identifier = entry.temporary
                    ? context.random.getAsLong()
                    : InterfaceIdentifiers.stable(
                            entry.prefixHigh,
                            context.linkAddress,
                            counter++,
                            context.ipv6.secretHigh(),
                            context.ipv6.secretLow());
        } while (InterfaceIdentifiers.isReserved(identifier));
        entry.address = IpAddress.of(entry.prefixHigh, identifier);
    }

    private void conflicted(Entry entry, long now) {
        entry.conflicts++;
        if (entry.conflicts <= MAX_CONFLICTS) {
            choose(entry);
            detector.start(entry.address, entry, now);
        } else {
            entries.remove(entry);
            context.timers.cancel(entry);
            context.listener.autoconfigurationFailed(entry.address);
        }
    }

    /** Brings an address into the state that its lifetimes ask for, and sets its timer to when that changes. */
    private void update(Entry entry, long now) {
        if (entry.added == null) {
            return;
        }
        long valid = entry.validLeft(now);
        long preferred = entry.preferredLeft(now);
        if (valid == 0) {
            detector.cancel(entry.address, now);
            entries.remove(entry);
            giveUp(entry, now);
            return;
        }
        boolean deprecated = preferred == 0;
        if (entry.added.deprecated != deprecated) {
            entry.added.deprecated = deprecated;
            context.changed();
            context.listener.addressChanged(entry.added);
        }
        long next = deprecated ? valid : preferred;
        if (entry.temporary && !entry.succeeded) {
            if (preferred <= REGENERATION_ADVANCE_NANOS) {
                entry.succeeded = true;
                succeed(entry, now);
            } else {
                next = preferred - REGENERATION_ADVANCE_NANOS;
            }
        }
        if (next == FOREVER) {
            context.timers.cancel(entry);
        } else {
            context.timers.arm(entry, now + next);
        }
    }

    private void giveUp(Entry entry, long now) {
        context.timers.cancel(entry);
        host.removeAutoconfigured(entry.added, now);
        context.listener.addressRemoved(entry.added);
    }

    private void succeed(Entry entry, long now) {
        for (int i = 0; i < entries.size(); i++) {
            Entry parent = entries.get(i);
            if (!parent.temporary && parent.prefixHigh == entry.prefixHigh) {
                addTemporary(parent, now);
                return;
            }
        }
    }
}
