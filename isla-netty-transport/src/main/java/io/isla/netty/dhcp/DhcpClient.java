/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

import io.isla.netty.counter.Counters;
import io.isla.netty.wire.DhcpHeader;
import io.isla.netty.wire.DhcpOption;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * A DHCPv4 client on an Ethernet (RFC 2131 §4.4): what state it is in, and which way it goes when a message arrives or time has passed. Its lease is
 * kept until it ends, also while it is renewed.
 *
 * <p>Not thread-safe. Times are nanoseconds of any origin, and must not run backwards. Whoever owns it calls {@link #expire} when {@link #deadline()}
 * has come, which may have changed after any call. Nothing that arrives makes it throw.
 */
public final class DhcpClient {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    /** RFC 2131 §3.1 (5): so long a client waits after it has declined an address. */
    private static final long DECLINE_WAIT = 10 * SECOND;
    /** RFC 5227 §2.1.1: after this many conflicts, a client tries once in this time only. */
    private static final int MAX_CONFLICTS = 10;

    private static final long RATE_LIMIT_INTERVAL = 60 * SECOND;
    /** RFC 5227 §2.4: who hears of a second conflict within this time gives the address up. */
    private static final long DEFEND_INTERVAL = 10 * SECOND;
    /** RFC 2131 §4.4.5: the shortest time between two requests for more time. */
    private static final long MIN_RENEWAL_INTERVAL = 60 * SECOND;
    /** RFC 2131 §3.1 (5): the next would come a minute after the first; then it begins anew. */
    private static final int MAX_REQUESTS = 4;
    /** An address of old is asked for twice, in 12 s; who does not hear it, may be on another network. */
    private static final int MAX_REBOOT_REQUESTS = 2;

    private static final int MAX_SECONDS = 0xffff;
    private static final IpAddress BROADCAST = IpAddress.v4(-1);

    private final DhcpParameters parameters;
    private final DhcpHost host;
    private final LongSupplier random;
    private final Counters<DhcpCounter> counters;
    private final LeaseReader leases;
    private final MessageWriter writer;
    private final Retransmission retransmission;
    /** How long to wait after refusals in a row. */
    private final Retransmission refusals;

    private DhcpState state = DhcpState.STOPPED;
    private boolean armed;
    private long deadline;

    private int transactionId;
    /** When the client began to ask for an address. */
    private long began;
    /** What the secs field is to say: the same in a DHCPREQUEST as in the DHCPDISCOVER before it (RFC 2131 §4.4.1). */
    private int seconds;
    /** Whether servers are to answer by broadcast. Not at first; but who does not hear an answer asks for that, too. */
    private boolean broadcast;

    /** What was offered and asked for, or granted and is being checked. */
    private DhcpLease offer;
    /** The address to ask for first, of old. */
    private IpAddress previous;
    /** What the host has. */
    private DhcpLease lease;
    /** When the last request was sent: what it is answered with counts from there (RFC 2131 §4.4.1). */
    private long requestedAt;
    // Of the lease.
    /** T1. */
    private long renewAt;
    /** T2. */
    private long rebindAt;

    private long expiresAt;

    /** Whether it was refused an address since it last had one, or asked anew. */
    private boolean refused;

    private int conflicts;
    private boolean defended;
    private long defendedAt;

    /**
     * Creates a client that is stopped.
     *
     * @param parameters what it is told about itself
     * @param host what it acts on
     * @param random a good source of 64 random bits
     * @param counters what is counted to
     */
    public DhcpClient(DhcpParameters parameters, DhcpHost host, LongSupplier random, Counters<DhcpCounter> counters) {
        this.parameters = Objects.requireNonNull(parameters, "parameters");
        this.host = Objects.requireNonNull(host, "host");
        this.random = Objects.requireNonNull(random, "random");
        this.counters = counters;
        leases = new LeaseReader(counters);
        writer = new MessageWriter(parameters);
        retransmission = new Retransmission(random);
        refusals = new Retransmission(random);
        previous = parameters.previousAddress();
    }

    /** The state. */
    public DhcpState state() {
        return state;
    }

    /** The lease that the host has, or {@code null}. */
    public DhcpLease lease() {
        return lease;
    }

    /** Whether there is a time at which {@link #expire} is to be called. */
    public boolean isArmed() {
        return armed;
    }

    /** When {@link #expire} is to be called, in nanoseconds; meaningless if not {@linkplain #isArmed() armed}. */
    public long deadline() {
        return deadline;
    }

    /** For how much longer the lease is good, in nanoseconds; {@link Long#MAX_VALUE} without end, 0 if there is none. */
    public long remainingNanos(long now) {
        if (lease == null) {
            return 0;
        }
        return lease.isForever() ? Long.MAX_VALUE : Math.max(0, expiresAt - now);
    }

    /**
     * Begins, with the address that it had before if there is one. At once: the random delay of RFC 2131 §4.4.1 is meant for power that comes back to a
     * building full of hosts.
     */
    public void start(long now) {
        if (state == DhcpState.STOPPED) {
            refused = false;
            conflicts = 0;
            begin(now);
        }
    }

    /** The link has come up, maybe somewhere else: asks whether the lease is still good there (RFC 2131 §3.7), or begins anew. */
    public void linkUp(long now) {
        if (state != DhcpState.STOPPED) {
            cancelCheck(now);
            begin(now);
        }
    }

    /** Tells the server that the address is no longer needed, if there is one; {@link #stop} is to follow. */
    public void release(long now) {
        if (lease == null) {
            return;
        }
        transactionId = newTransactionId();
        counters.increment(DhcpCounter.OUT_RELEASES);
        host.send(writer.release(transactionId, lease.address(), lease.server()), lease.address(), lease.server(), now);
    }

    /** Ends; the host has no lease then. If it starts again, it asks for the same address. */
    public void stop(long now) {
        if (state == DhcpState.STOPPED) {
            return;
        }
        cancelCheck(now);
        armed = false;
        state = DhcpState.STOPPED;
        lose(now);
    }

    /** A time has come. Does nothing if it has not. */
    public void expire(long now) {
        if (!armed || now - deadline < 0) {
            return;
        }
        armed = false;
        switch (state) {
            case INIT -> discover(now);
            case SELECTING -> sendDiscover(now);
            case REQUESTING -> {
                if (retransmission.sent() < MAX_REQUESTS) {
                    sendRequest(now);
                } else {
                    discover(now);
                }
            }
            case REBOOTING -> {
                if (retransmission.sent() < MAX_REBOOT_REQUESTS) {
                    sendReboot(now);
                } else if (lease != null) {
                    // RFC 2131 §3.2 (4): nobody says no, so it is good as long as it was.
                    advanceLease(now);
                } else {
                    discover(now);
                }
            }
            case CHECKING -> {
                // Granted for less than the time that it takes to check.
                cancelCheck(now);
                discover(now);
            }
            case BOUND, RENEWING, REBINDING -> advanceLease(now);
            default -> {
                // Nothing is waited for.
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ what is heard

    /** A datagram to port 68 has arrived. */
    public void receive(ByteBuf buf, int offset, int length, long now) {
        DhcpMessage message = DhcpMessage.read(buf, offset, length);
        if (message == null) {
            counters.increment(DhcpCounter.IN_ERRORS);
            return;
        }
        byte[] id = message.option(DhcpOption.CLIENT_IDENTIFIER);
        if (message.operation() != DhcpHeader.BOOT_REPLY
                || message.transactionId() != transactionId
                || message.hardwareAddress() != parameters.hardwareAddress()
                // RFC 6842 §3: servers repeat it, which tells clients with one hardware address apart.
                || id != null && !Arrays.equals(id, parameters.clientId())) {
            counters.increment(DhcpCounter.IN_UNRELATED);
            return;
        }
        int type = message.type();
        if (type == DhcpOption.OFFER && state == DhcpState.SELECTING) {
            receiveOffer(message, now);
        } else if (type == DhcpOption.ACK && isRequested()) {
            receiveAck(message, now);
        } else if (type == DhcpOption.NAK && isRequested()) {
            receiveNak(message, now);
        } else {
            counters.increment(type == 0 ? DhcpCounter.IN_ERRORS : DhcpCounter.IN_IGNORED);
        }
    }

    private boolean isRequested() {
        return switch (state) {
            case REQUESTING, REBOOTING, RENEWING, REBINDING -> true;
            default -> false;
        };
    }

    /** The first that can be used is taken. */
    private void receiveOffer(DhcpMessage message, long now) {
        DhcpLease offered = leases.read(message);
        if (offered == null) {
            counters.increment(DhcpCounter.IN_ERRORS);
            return;
        }
        counters.increment(DhcpCounter.IN_OFFERS);
        offer = offered;
        state = DhcpState.REQUESTING;
        retransmission.reset();
        sendRequest(now);
    }

    private void receiveAck(DhcpMessage message, long now) {
        DhcpLease granted = leases.read(message);
        if (granted == null) {
            counters.increment(DhcpCounter.IN_ERRORS);
            return;
        }
        boolean expected = switch (state) {
            case REQUESTING ->
                granted.address().equals(offer.address()) && granted.server().equals(offer.server());
            case REBOOTING -> granted.address().equals(previous);
            default -> granted.address().equals(lease.address());
        };
        if (!expected) {
            counters.increment(DhcpCounter.IN_UNRELATED);
            return;
        }
        counters.increment(DhcpCounter.IN_ACKS);
        if (lease != null || !parameters.detectConflicts()) {
            bind(granted, now);
            return;
        }
        offer = granted;
        state = DhcpState.CHECKING;
        armed = false;
        if (!granted.isForever()) {
            arm(requestedAt + granted.leaseSeconds() * SECOND);
        }
        host.probe(granted.address(), now);
    }

    private void receiveNak(DhcpMessage message, long now) {
        IpAddress server = message.address(DhcpOption.SERVER_IDENTIFIER);
        IpAddress asked = switch (state) {
            case REQUESTING -> offer.server();
            case RENEWING -> lease.server();
            // All were asked.
            default -> server;
        };
        if (server == null || !server.equals(asked)) {
            counters.increment(server == null ? DhcpCounter.IN_ERRORS : DhcpCounter.IN_UNRELATED);
            return;
        }
        counters.increment(DhcpCounter.IN_NAKS);
        lose(now);
        previous = null;
        // RFC 2131 §3.1 (4) says begin anew; but not without end, at the speed of the network.
        if (refused) {
            restart(now + refusals.next());
        } else {
            refused = true;
            refusals.reset();
            discover(now);
        }
    }

    /**
     * It is known whether another station uses an address that was granted.
     *
     * @param duplicate whether it does
     */
    public void probeFinished(IpAddress address, boolean duplicate, long now) {
        if (state != DhcpState.CHECKING || !offer.address().equals(address)) {
            return;
        }
        if (duplicate) {
            decline(offer, now);
        } else {
            bind(offer, now);
        }
    }

    /**
     * Another station was heard to use the address of the lease. The host has defended it; who hears of it again soon gives it up (RFC 5227 §2.4 (b)).
     */
    public void conflict(IpAddress address, long now) {
        if (lease == null || !lease.address().equals(address)) {
            return;
        }
        if (defended && now - defendedAt < DEFEND_INTERVAL) {
            defended = false;
            DhcpLease lost = lease;
            lose(now);
            decline(lost, now);
        } else {
            defended = true;
            defendedAt = now;
        }
    }

    // ------------------------------------------------------------------------------------------------ what is done

    private void begin(long now) {
        armed = false;
        if (lease != null) {
            previous = lease.address();
        }
        if (previous == null) {
            discover(now);
            return;
        }
        state = DhcpState.REBOOTING;
        transactionId = newTransactionId();
        began = now;
        retransmission.reset();
        sendReboot(now);
    }

    /** Waits, in state INIT. */
    private void restart(long at) {
        state = DhcpState.INIT;
        offer = null;
        arm(at);
    }

    private void discover(long now) {
        state = DhcpState.SELECTING;
        offer = null;
        transactionId = newTransactionId();
        began = now;
        retransmission.reset();
        sendDiscover(now);
    }

    private void sendDiscover(long now) {
        broadcast = retransmission.sent() > 0;
        seconds = secondsSince(now);
        counters.increment(DhcpCounter.OUT_DISCOVERS);
        sendToAll(writer.discover(transactionId, seconds, broadcast, previous), now);
        arm(now + retransmission.next());
    }

    private void sendRequest(long now) {
        broadcast |= retransmission.sent() > 0;
        requestedAt = now;
        counters.increment(DhcpCounter.OUT_REQUESTS);
        sendToAll(writer.request(transactionId, seconds, broadcast, offer.address(), offer.server()), now);
        arm(now + retransmission.next());
    }

    private void sendReboot(long now) {
        broadcast = retransmission.sent() > 0;
        requestedAt = now;
        counters.increment(DhcpCounter.OUT_REQUESTS);
        sendToAll(writer.request(transactionId, secondsSince(now), broadcast, previous, null), now);
        arm(now + retransmission.next());
    }

    private void bind(DhcpLease granted, long now) {
        DhcpLease before = lease;
        lease = granted;
        offer = null;
        refused = false;
        conflicts = 0;
        if (before == null) {
            defended = false;
        }
        expiresAt = requestedAt + granted.leaseSeconds() * SECOND;
        rebindAt = requestedAt + fuzzy(granted.rebindingSeconds() * SECOND);
        renewAt = requestedAt + Math.min(fuzzy(granted.renewalSeconds() * SECOND), rebindAt - requestedAt);
        state = DhcpState.BOUND;
        armed = false;
        if (!granted.isForever()) {
            arm(renewAt);
        }
        host.bound(granted, before, now);
    }

    /** Does what is due in the life of the lease. */
    private void advanceLease(long now) {
        if (lease.isForever()) {
            state = DhcpState.BOUND;
        } else if (now - expiresAt >= 0) {
            counters.increment(DhcpCounter.LEASES_EXPIRED);
            lose(now);
            discover(now);
        } else if (now - rebindAt >= 0) {
            sendRenewal(DhcpState.REBINDING, BROADCAST, expiresAt, now);
        } else if (now - renewAt >= 0) {
            sendRenewal(DhcpState.RENEWING, lease.server(), rebindAt, now);
        } else {
            state = DhcpState.BOUND;
            arm(renewAt);
        }
    }

    /** Asks for more time, and once more after half of the time that is left for it, but not within a minute (RFC 2131 §4.4.5). */
    private void sendRenewal(DhcpState as, IpAddress destination, long until, long now) {
        if (state != as) {
            state = as;
            transactionId = newTransactionId();
            began = now;
        }
        requestedAt = now;
        long wait = Math.max(MIN_RENEWAL_INTERVAL, (until - now) / 2);
        arm(now + Math.min(wait, until - now));
        counters.increment(DhcpCounter.OUT_REQUESTS);
        host.send(writer.renewal(transactionId, secondsSince(now), lease.address()), lease.address(), destination, now);
    }

    private void decline(DhcpLease declined, long now) {
        conflicts++;
        previous = null;
        transactionId = newTransactionId();
        restart(now + (conflicts < MAX_CONFLICTS ? DECLINE_WAIT : RATE_LIMIT_INTERVAL));
        counters.increment(DhcpCounter.OUT_DECLINES);
        sendToAll(writer.decline(transactionId, declined.address(), declined.server()), now);
    }

    private void sendToAll(ByteBuf message, long now) {
        host.send(message, IpAddress.ANY_V4, BROADCAST, now);
    }

    /** There is no lease any more, if there was one. */
    private void lose(long now) {
        DhcpLease lost = lease;
        if (lost != null) {
            lease = null;
            previous = lost.address();
            host.unbound(lost, now);
        }
    }

    private void cancelCheck(long now) {
        if (state == DhcpState.CHECKING) {
            host.cancelProbe(offer.address(), now);
        }
    }

    private void arm(long at) {
        armed = true;
        deadline = at;
    }

    private int newTransactionId() {
        return (int) random.getAsLong();
    }

    private int secondsSince(long now) {
        return (int) Math.min(MAX_SECONDS, (now - began) / SECOND);
    }

    /** Up to a thirty-second earlier, so that hosts that started together do not ask together (RFC 2131 §4.4.5). */
    private long fuzzy(long nanos) {
        return nanos - Math.floorMod(random.getAsLong(), nanos / 32 + 1);
    }
}
