/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.ip.DuplicateAddressListener;
import io.isla.netty.link.Link;
import io.isla.netty.link.MacAddress;
import io.isla.netty.wire.IpAddress;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;
import java.util.ArrayList;
import java.util.List;

/**
 * The addresses that the host's user has given it, and whether somebody else on the link has them: found out before they are used, if the user wants it so; else
 * IPv6 addresses are used at once and given up if they turn out to be another's (RFC 4429), and IPv4 addresses are used, announced and defended, as an
 * administrator's are on other hosts. Any thread.
 */
final class ConfiguredAddresses implements LeaderTask {
    private static final InternalLogger logger = InternalLoggerFactory.getInstance(ConfiguredAddresses.class);

    private final class Entry implements DuplicateAddressListener {
        final HostAddress address;
        final Runnable settled;
        boolean checked;
        /** Whether it was free once, where addresses are used only then. */
        boolean settledOnce;

        Entry(HostAddress address, Runnable settled) {
            this.address = address;
            this.settled = settled;
        }

        @Override
        public void detectionFinished(IpAddress found, boolean duplicate, MacAddress other, long now) {
            finished(this, duplicate, other);
        }
    }

    private final HostNetwork network;
    private final boolean detectFirst;
    private final boolean neighbors;
    /** What is being found out, and has been. */
    private final List<Entry> entries = new ArrayList<>();

    private Shard leader;

    ConfiguredAddresses(HostNetwork network, HostConfiguration configuration) {
        this.network = network;
        detectFirst = configuration.detectDuplicates();
        neighbors = configuration.link().medium() == Link.Medium.ETHERNET;
    }

    /**
     * Gives the host an address.
     *
     * @param settled run where {@link NetworkListener}s are called, once the address is in use, or found to be another's
     */
    void add(HostAddress address, Runnable settled) {
        Entry entry = new Entry(address, settled);
        Shard present;
        synchronized (this) {
            entry.checked = !neighbors || !detectFirst && address.address().isV4();
            entries.add(entry);
            present = leader;
        }
        boolean wait = detectFirst && neighbors;
        if (!wait) {
            use(address, settled);
        }
        if (present != null) {
            present.submit(() -> detect(present, entry, present.now()));
        }
    }

    /**
     * Takes an address from the host.
     *
     * @param done run where {@link NetworkListener}s are called, once no shard has it
     * @return whether it had it, or was to have it
     */
    boolean remove(IpAddress address, Runnable done) {
        Shard present;
        synchronized (this) {
            if (!entries.removeIf(entry -> entry.address.address().equals(address))) {
                return false;
            }
            present = leader;
        }
        if (present != null) {
            present.submit(() -> {
                if (!present.isClosed() && neighbors) {
                    present.ip().cancelDuplicateDetection(address, present.now());
                }
            });
        }
        drop(address, done);
        return true;
    }

    @Override
    public synchronized void begin(Shard shard, long now) {
        leader = shard;
        for (Entry entry : new ArrayList<>(entries)) {
            detect(shard, entry, now);
        }
    }

    @Override
    public synchronized void end(Shard shard, long now) {
        leader = null;
        for (Entry entry : entries) {
            if (!entry.checked && neighbors) {
                shard.ip().cancelDuplicateDetection(entry.address.address(), now);
            }
        }
    }

    /**
     * The link is up again, maybe at another network: finds out anew whether the IPv6 addresses are free (RFC 4862 §5.4). Those in use stay in use meanwhile.
     * On the leader's thread.
     */
    synchronized void linkUp(long now) {
        if (leader != null && neighbors) {
            for (Entry entry : entries) {
                entry.checked &= entry.address.address().isV4();
                detect(leader, entry, now);
            }
        }
    }

    private synchronized void detect(Shard shard, Entry entry, long now) {
        if (shard == leader && !entry.checked && entries.contains(entry)) {
            shard.ip().detectDuplicate(entry.address.address(), entry, now);
        }
    }

    private void finished(Entry entry, boolean duplicate, MacAddress other) {
        IpAddress address = entry.address.address();
        boolean awaited;
        synchronized (this) {
            if (!entries.contains(entry)) {
                return;
            }
            entry.checked = true;
            awaited = detectFirst && !entry.settledOnce;
            entry.settledOnce = true;
            if (duplicate) {
                entries.remove(entry);
            }
        }
        if (duplicate) {
            logger.warn(
                    "Address {} is used by {} already; this host does not have it.",
                    address,
                    other == null ? "another station" : other);
            network.tell(listener -> listener.addressDuplicate(address, other));
            drop(address, awaited ? entry.settled : () -> {});
        } else if (awaited) {
            use(entry.address, entry.settled);
        }
    }

    private void use(HostAddress address, Runnable done) {
        network.change(
                HostStack.USER,
                settings -> {
                    List<HostAddress> more = new ArrayList<>(settings.addresses());
                    more.removeIf(present -> present.address().equals(address.address()));
                    more.add(address);
                    return settings.withAddresses(more);
                },
                done);
    }

    private void drop(IpAddress address, Runnable done) {
        network.change(
                HostStack.USER,
                settings -> settings.withAddresses(settings.addresses().stream()
                        .filter(present -> !present.address().equals(address))
                        .toList()),
                done);
    }
}
