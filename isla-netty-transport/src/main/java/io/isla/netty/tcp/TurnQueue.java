/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * What a turn of the loop has still to do: users to be told of events, what they have written to be sent, and acknowledgements that are owed. Intrusive
 * lists of connections; one object per shard.
 */
final class TurnQueue {
    /**
     * The most new data of a connection in a turn, in bytes. Who writes faster than the link takes it would otherwise see acknowledgements late, take the
     * path for a long one, and have its window and buffers grow until nothing is found in a cache any more.
     */
    static final int QUANTUM = 256 * 1024;

    private final TcpOutput output;
    private final SegmentWriter segments;
    private TcpConnection firstReady;
    private TcpConnection lastReady;
    private TcpConnection firstAck;
    /** Connections with something to send at the end of the turn, in their order. */
    private TcpConnection firstOutput;

    private TcpConnection lastOutput;
    /** What users write is sent at the end of the turn. */
    private boolean holding;

    private int turn;

    TurnQueue(TcpOutput output, SegmentWriter segments) {
        this.segments = segments;
        this.output = output;
    }

    /** Notes that a connection has events for its user. */
    void ready(TcpConnection c) {
        if (!c.onReadyList && c.user != null) {
            c.onReadyList = true;
            c.nextReady = null;
            if (lastReady == null) {
                firstReady = c;
            } else {
                lastReady.nextReady = c;
            }
            lastReady = c;
        }
    }

    /** Notes that a connection owes an acknowledgement at the end of the turn. */
    void ackSoon(TcpConnection c) {
        if (!c.onAckList && c.ackPolicy.isDue()) {
            c.onAckList = true;
            c.nextAck = firstAck;
            firstAck = c;
        }
    }

    /**
     * How many bytes of new data a connection may still send in this turn: what is left goes in the next one, after the acknowledgements that have come meanwhile.
     */
    int room(TcpConnection c) {
        if (c.turn != turn) {
            c.turn = turn;
            c.sentInTurn = 0;
        }
        return QUANTUM - c.sentInTurn;
    }

    /** Whether {@link #deliverEvents()} or {@link #send(long)} has something to do. */
    boolean hasWork() {
        return firstReady != null || firstAck != null || firstOutput != null;
    }

    /**
     * Decides whether what users write from now on is sent at once or waits for the end of the turn. While users are told of events it waits: so a write
     * and the close that follows it share a segment, and a segment carries the acknowledgement of all that the turn has brought.
     *
     * @return how it was before
     */
    boolean holdOutput(boolean hold) {
        boolean before = holding;
        holding = hold;
        return before;
    }

    /** The user has given a connection something to send. */
    void outputDue(TcpConnection c, long now) {
        if (holding) {
            outputLater(c);
        } else {
            output.output(c, now);
        }
    }

    /** A connection has something to send, to be sent by the next {@link #send(long)}. */
    void outputLater(TcpConnection c) {
        if (!c.onOutputList) {
            c.onOutputList = true;
            c.nextOutput = null;
            if (lastOutput == null) {
                firstOutput = c;
            } else {
                lastOutput.nextOutput = c;
            }
            lastOutput = c;
        }
    }

    /**
     * Tells users what has happened since the last call. What happens meanwhile is told in this call too, but each connection at most twice, so that this ends.
     *
     * @return how many calls were made
     */
    int deliverEvents() {
        int delivered = 0;
        TcpConnection end = lastReady;
        boolean before = holdOutput(true);
        try {
            while (firstReady != null) {
                TcpConnection c = firstReady;
                firstReady = c.nextReady;
                if (firstReady == null) {
                    lastReady = null;
                }
                c.nextReady = null;
                c.onReadyList = false;
                TcpUser user = c.user;
                if (user != null) {
                    int events = c.takeEvents();
                    if (events != 0) {
                        delivered++;
                        user.onTcpEvents(c, events);
                    }
                }
                if (c == end) {
                    break;
                }
            }
        } finally {
            holdOutput(before);
        }
        return delivered;
    }

    /** Sends what users have written in this turn, and then the acknowledgements that no data has carried (RFC 9293 MUST-58, MUST-59). */
    void send(long now) {
        turn++;
        TcpConnection end = lastOutput;
        while (firstOutput != null) {
            TcpConnection c = firstOutput;
            firstOutput = c.nextOutput;
            if (firstOutput == null) {
                lastOutput = null;
            }
            c.nextOutput = null;
            c.onOutputList = false;
            output.output(c, now);
            if (c == end) {
                break;
            }
        }
        while (firstAck != null) {
            TcpConnection c = firstAck;
            firstAck = c.nextAck;
            c.nextAck = null;
            c.onAckList = false;
            if (c.ackPolicy.isDue() && !c.released) {
                segments.sendAck(c, now);
            }
        }
    }

    /** Takes a connection out of all lists. */
    void remove(TcpConnection c) {
        if (c.onReadyList) {
            TcpConnection previous = null;
            for (TcpConnection r = firstReady; r != null; previous = r, r = r.nextReady) {
                if (r == c) {
                    if (previous == null) {
                        firstReady = c.nextReady;
                    } else {
                        previous.nextReady = c.nextReady;
                    }
                    if (lastReady == c) {
                        lastReady = previous;
                    }
                    break;
                }
            }
            c.onReadyList = false;
            c.nextReady = null;
        }
        if (c.onOutputList) {
            TcpConnection previous = null;
            for (TcpConnection o = firstOutput; o != null; previous = o, o = o.nextOutput) {
                if (o == c) {
                    if (previous == null) {
                        firstOutput = c.nextOutput;
                    } else {
                        previous.nextOutput = c.nextOutput;
                    }
                    if (lastOutput == c) {
                        lastOutput = previous;
                    }
                    break;
                }
            }
            c.onOutputList = false;
            c.nextOutput = null;
        }
        if (c.onAckList) {
            TcpConnection previous = null;
            for (TcpConnection a = firstAck; a != null; previous = a, a = a.nextAck) {
                if (a == c) {
                    if (previous == null) {
                        firstAck = c.nextAck;
                    } else {
                        previous.nextAck = c.nextAck;
                    }
                    break;
                }
            }
            c.onAckList = false;
            c.nextAck = null;
        }
    }
}
