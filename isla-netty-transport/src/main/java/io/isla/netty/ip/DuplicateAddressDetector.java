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
 * Finds out whether an address is free before it is used: by neighbour solicitations (RFC 4862 §5.4) or ARP probes (RFC 5227 §2.1). Until
 * then the address is tentative: not one of the host's, but known here.
 */
final class DuplicateAddressDetector {
    /** DupAddrDetectTransmits. */
    static final int PROBES_V6 = 1;
    /** RetransTimer, and MAX_RTR_SOLICITATION_DELAY. */
    static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    /** PROBE_NUM. */
    static final int PROBES_V4 = 3;
    /** ANNOUNCE_WAIT. */
    static final long ANNOUNCE_WAIT_NANOS = 2 * SECOND;

    private static final long NONCE_MASK = 0xffff_ffff_ffffL;

    private final class Detection extends Timer {
        final IpAddress address;
        final DuplicateAddressListener listener;
        final boolean v4;
        int probesLeft;
        long nonce;

        Detection(IpAddress address, DuplicateAddressListener listener) {
            this.address = address;
            this.listener = listener;
            v4 = address.isV4();
            // Without ARP nobody can be asked for an IPv4 address.
            probesLeft = !v4 ? PROBES_V6 : context.ethernet ? PROBES_V4 : 0;
        }

        @Override
        protected void expire(long now) {
            if (probesLeft == 0) {
                finish(this, false, -1, now);
                return;
            }
            probesLeft--;
            if (v4) {
                arp.probe(address.v4Bits());
                // Between PROBE_MIN and PROBE_MAX, 1 and 2 s; after the last ANNOUNCE_WAIT.
                context.timers.arm(this, now + (probesLeft == 0 ? ANNOUNCE_WAIT_NANOS : SECOND + randomSecond()));
            } else {
                nonce = context.random.getAsLong() & NONCE_MASK;
                sender.probe(address.high(), address.low(), nonce);
                context.timers.arm(this, now + SECOND);
            }
        }
    }

    private final IpContext context;
    private final ArpProtocol arp;
    private final NeighborDiscoverySender sender;
    private final List<Detection> detections = new ArrayList<>();

    DuplicateAddressDetector(IpContext context, ArpProtocol arp, NeighborDiscoverySender sender) {
        this.context = context;
        this.arp = arp;
        this.sender = sender;
    }

    /** Begins, after up to a second, so that hosts that start together do not speak together; restarts if it had begun. */
    void start(IpAddress address, DuplicateAddressListener listener, long now) {
        cancel(address, now);
        Detection detection = new Detection(address, listener);
        detections.add(detection);
        if (!detection.v4) {
            context.groups.joinOwn(NeighborDiscoverySender.solicitedNode(address), now);
        }
        context.timers.arm(detection, detection.probesLeft == 0 ? now : now + randomSecond());
    }

    /** Ends without a result. */
    void cancel(IpAddress address, long now) {
        Detection detection = find(address.high(), address.low());
        if (detection != null) {
            remove(detection, now);
        }
    }

    /** Whether it is being found out whether an address is free. */
    boolean isTentative(long high, long low) {
        return find(high, low) != null;
    }

    /** Another station has asked from nowhere for a tentative address. */
    void solicited(long high, long low, long nonce, long now) {
        Detection detection = find(high, low);
        if (nonce < 0 || nonce != detection.nonce) {
            finish(detection, true, -1, now);
        }
    }

    /** Another station has advertised a tentative address. */
    void advertised(long high, long low, long link, long now) {
        finish(find(high, low), true, link, now);
    }

    /** An ARP packet of another station has been seen. */
    void heardArp(long senderLow, long senderLink, long targetLow, boolean request, long now) {
        if (detections.isEmpty()) {
            return;
        }
        Detection detection = find(0, senderLow);
        if (detection == null && request && senderLow == IpAddress.ANY_V4.low()) {
            // RFC 5227 §2.1.1: someone else is probing for it.
            detection = find(0, targetLow);
        }
        if (detection != null) {
            finish(detection, true, senderLink, now);
        }
    }

    void close() {
        for (Detection detection : detections) {
            context.timers.cancel(detection);
        }
        detections.clear();
    }

    private Detection find(long high, long low) {
        for (int i = 0; i < detections.size(); i++) {
            if (detections.get(i).address.is(high, low)) {
                return detections.get(i);
            }
        }
        return null;
    }

    private void finish(Detection detection, boolean duplicate, long link, long now) {
        // First no longer tentative, at last out of its group: an address that is added in between stays in it all the
        // time.
        context.timers.cancel(detection);
        detections.remove(detection);
        if (duplicate) {
            context.counters.increment(IpCounter.ADDRESS_CONFLICTS);
        }
        detection.listener.detectionFinished(detection.address, duplicate, link < 0 ? null : new MacAddress(link), now);
        leaveGroup(detection, now);
    }

    private void remove(Detection detection, long now) {
        context.timers.cancel(detection);
        detections.remove(detection);
        leaveGroup(detection, now);
    }

    private void leaveGroup(Detection detection, long now) {
        if (!detection.v4) {
            context.groups.leaveOwn(NeighborDiscoverySender.solicitedNode(detection.address), now);
        }
    }

    private long randomSecond() {
        return Math.floorMod(context.random.getAsLong(), SECOND);
    }
}
