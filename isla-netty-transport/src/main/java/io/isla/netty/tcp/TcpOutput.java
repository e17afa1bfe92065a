/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import io.isla.netty.wire.TcpHeader;

/** Decides what a connection sends and when. One object per shard; the state is the connection's. */
final class TcpOutput {
    /** A window-limited sender waits for more room unless it may send this share of its window (1 in n). */
    private static final int DEFER_DIVISOR = 3;

    /** Room for the headers of a super-segment. */
    private static final int HEADERS = 120;
    /** A packet longer than its header can tell is no more than this share of the window (1 in n). */
    private static final int BIG_TCP_DIVISOR = 4;

    /** A sender that has been silent for this long waits no more, in nanoseconds. */
    private static final long DEFER_NANOS = 1_000_000L;

    private final TcpStack stack;
    private final SegmentWriter segments;
    private final TcpParameters parameters;

    TcpOutput(TcpStack stack, SegmentWriter segments) {
        this.stack = stack;
        this.segments = segments;
        parameters = stack.parameters;
    }

    // ------------------------------------------------------------------------------------------------ what to send

    /** Sends whatever the windows, Nagle's algorithm and loss recovery allow: lost data first, then new data, then FIN. */
    void output(TcpConnection c, long now) {
        if (!c.state.isSynchronized() && !c.fastOpenChild || c.state == TcpState.TIME_WAIT || c.released) {
            return;
        }
        if (c.flightSize() == 0) {
            if (c.unsentBytes() == 0 && !c.isFinDue()) {
                return;
            }
            restartAfterIdle(c, now);
        }
        refreshPath(c);
        long before = c.statistics.segmentsOut;
        int room = c.window.cwnd - c.inFlight();
        if (c.sent.lostBytes() > 0) {
            retransmitLost(c, now);
            room = c.window.cwnd - c.inFlight();
        }
        sendNew(c, room, now);
        if (c.statistics.segmentsOut != before || c.retransmitTimer.purpose == TcpTimers.Purpose.NOTHING) {
            stack.timers.rearm(c, now);
        }
    }

    /** Sends new data and leaves what is deemed lost alone; if there is no new data to send, the lost data goes out after all. */
    void outputNewOnly(TcpConnection c, long now) {
        refreshPath(c);
        int before = c.sndNxt;
        sendNew(c, Math.max(2 * c.sndMss, c.window.cwnd - c.inFlight()), now);
        if (c.sndNxt == before) {
            output(c, now);
        } else {
            stack.timers.rearm(c, now);
        }
    }

    /** Sends new data even if the congestion window is full; for a tail loss probe. Returns whether something was sent. */
    boolean sendProbeData(TcpConnection c, long now) {
        int length = Math.min(Math.min(c.unsentBytes(), c.sndMss), c.sndUna + c.sndWnd - c.sndNxt);
        if (length <= 0) {
            return false;
        }
        transmitNew(c, length, c.sndMss, now);
        return true;
    }

    private void sendNew(TcpConnection c, int congestionRoom, long now) {
        int room = congestionRoom;
        boolean limited = false;
        while (true) {
            int unsent = c.unsentBytes();
            boolean finDue = c.isFinDue();
            int offered = c.sndUna + c.sndWnd - c.sndNxt;
            if (unsent == 0) {
                // A FIN takes a sequence number, and so waits for the window to open like data (Linux).
                if (finDue && offered > 0) {
                    transmitNew(c, 0, c.sndMss, now);
                }
                break;
            }
            int length = Math.min(unsent, Math.min(offered, room));
            if (length <= 0) {
                if (room < offered) {
                    limited = true;
                }
                break;
            }
            if (isPaced(c, now)) {
                break;
            }
            if (stack.turn.room(c) <= 0) {
                stack.turn.outputLater(c);
                break;
            }
            if (c.mtuSearch != null) {
                int probe = c.mtuSearch.probe(unsent, room, offered, now);
                if (probe == PathMtuSearch.WAIT) {
                    limited = true;
                    break;
                }
                if (probe > 0) {
                    int sent = transmitNew(c, probe, probe, now);
                    c.mtuSearch.sent(c.sndNxt - sent, sent);
                    if (sent == 0) {
                        break;
                    }
                    room -= sent;
                    continue;
                }
            }
            length = Math.min(length, maxPayload(c));
            if (length > c.sndMss) {
                int rest = length % c.sndMss;
                // A tail goes along only where it might go alone.
                if (rest != 0 && (length < unsent || !maySendSmall(c, rest, finDue, now, length > c.sndMss))) {
                    length -= rest;
                }
            } else if (length < c.sndMss) {
                if (length < unsent) {
                    // Cut by a window, not by the end of the data.
                    if (room < offered) {
                        if (c.flightSize() > 0) {
                            limited = true;
                            break;
                        }
                    } else if (!isWorthwhilePartOfWindow(c, length)) {
                        break;
                    }
                } else if (!maySendSmall(c, length, finDue, now, false)) {
                    break;
                }
            }
            if (length < unsent && shouldDefer(c, length, room, offered, now)) {
                limited = room < offered;
                break;
            }
            int sent = transmitNew(c, length, c.sndMss, now);
            if (sent == 0) {
                break;
            }
            room -= sent;
            if (c.released) {
                return;
            }
        }
        c.tellOfRoom();
        c.window.noteUsage(c.sndUna, c.sndNxt, c.inFlight(), limited);
        if (c.unsentBytes() == 0 && c.sent.lostBytes() == 0 && c.inFlight() < c.window.cwnd) {
            c.deliveryRate.onNothingToSend();
        }
        if (c.flightSize() > 0) {
            boolean windowLimited = c.unsentBytes() > 0 && !limited && c.sndUna + c.sndWnd - c.sndNxt < c.sndMss;
            boolean bufferLimited = c.unsentBytes() == 0 && c.writableWanted;
            c.statistics.phase(
                    windowLimited
                            ? TcpStatistics.WINDOW_LIMITED
                            : bufferLimited ? TcpStatistics.SEND_BUFFER_LIMITED : TcpStatistics.BUSY,
                    now);
        }
    }

    /** Nagle's algorithm (RFC 9293 SHLD-7) as Minshall modified it, cork, and the end of the data. */
    private boolean maySendSmall(TcpConnection c, int length, boolean finDue, long now, boolean afterFull) {
        if (finDue) {
            return true;
        }
        if (c.settings.cork) {
            return false;
        }
        if (c.settings.noDelay) {
            return true;
        }
        boolean smallInFlight = SequenceNumber.greaterThan(c.smallSegmentEnd, c.sndUna)
                && SequenceNumber.lessOrEqual(c.smallSegmentEnd, c.sndNxt);
        return c.flightSize() == 0 && !afterFull || !smallInFlight;
    }

    /** Sender silly window avoidance (RFC 9293 MUST-38): a part of the peer's window is worth a segment if it is half of the largest. */
    private boolean isWorthwhilePartOfWindow(TcpConnection c, int length) {
        return c.maxSndWnd > 0 && length >= c.maxSndWnd / 2;
    }

    /**
     * Waits for further acknowledgements rather than send a small super-segment now, where more room is certain to come soon: not when the next
     * acknowledgement is most of a round trip away, which would leave that much of the window unused (the conditions are those of Linux).
     */
    private boolean shouldDefer(TcpConnection c, int length, int room, int offered, long now) {
        if (c.flightSize() == 0 || c.recovery.state() != LossRecovery.State.OPEN) {
            return false;
        }
        if (length >= maxPayload(c) / 2) {
            return false;
        }
        int limit = Math.min(c.window.cwnd, c.sndWnd);
        if (Math.min(room, offered) >= limit / DEFER_DIVISOR) {
            return false;
        }
        return now - c.sent.last().sentAt <= DEFER_NANOS && now - c.sent.first().sentAt >= c.window.srtt / 2;
    }

    /** Whether the congestion control's pacing has the connection wait. */
    private boolean isPaced(TcpConnection c, long now) {
        return c.congestion.pacingRate(c.window) > 0 && c.pacer != null && c.pacer.isWaiting(now);
    }

    private void notePaced(TcpConnection c, int bytes, long now) {
        long rate = c.congestion.pacingRate(c.window);
        if (rate > 0 && bytes > 0) {
            if (c.pacer == null) {
                c.pacer = new Pacer(c, now);
            }
            c.pacer.sent(bytes, rate, now);
        }
    }

    /**
     * The longest packet for the link to split: longer than its header can tell only in a window in which several have room.
     *
     * @param ordinary what the header can tell
     * @param big what the path takes
     */
    static int longestPacket(int ordinary, int big, int cwnd) {
        return Math.max(ordinary, Math.min(big, cwnd / BIG_TCP_DIVISOR));
    }

    private int maxPayload(TcpConnection c) {
        if (c.sndUrgent) {
            // The urgent pointer counts from the sequence number of its own segment: these are not to be split by the
            // link.
            return c.sndMss;
        }
        int most =
                longestPacket(c.path.maxSegmentationBytes(), c.path.maxTcpSegmentationBytes(), c.window.cwnd) - HEADERS;
        long rate = c.congestion.pacingRate(c.window);
        if (rate > 0) {
            most = Math.min(most, Pacer.quantum(rate, c.sndMss));
        }
        int segments = Math.max(1, most / c.sndMss);
        return segments * c.sndMss;
    }

    private void restartAfterIdle(TcpConnection c, long now) {
        if (!parameters.slowStartAfterIdle) {
            return;
        }
        long idle = now - c.lastSendAt;
        if (idle > c.rtt.rto()) {
            // RFC 5681 §4.1, halving once for each timeout that passed as RFC 2861 does, down to the restart window.
            int restart = Math.min(initialWindow(c), c.window.cwnd);
            long cwnd = c.window.cwnd;
            c.window.ssthresh = (int) Math.max(c.window.ssthresh, cwnd / 2 + cwnd / 4);
            for (long t = idle - c.rtt.rto(); t > 0 && cwnd > restart; t -= c.rtt.rto()) {
                cwnd /= 2;
            }
            c.window.set(Math.max(cwnd, restart));
            c.congestion.onIdleRestart(c.window, idle, now);
        }
    }

    /** The initial window (RFC 6928 §2). */
    int initialWindow(TcpConnection c) {
        return Math.min(parameters.initialWindow * c.sndMss, Math.max(2 * c.sndMss, parameters.initialWindow * 1460));
    }

    /**
     * Follows a change of the path: a smaller MTU makes smaller segments from now on, and what is too large for it counts as lost. It may be another
     * connection to the same destination that was told.
     */
    void refreshPath(TcpConnection c) {
        if (!stack.ip.refresh(c.path)) {
            return;
        }
        int before = c.sndMss;
        updateSegmentSize(c);
        if (c.sndMss < before) {
            c.recovery.onPathMtuReduced();
        }
    }

    /** Sets SMSS from the path MTU, what the peer takes, the user's wish, and the options of every segment (RFC 9293 MUST-16). */
    void updateSegmentSize(TcpConnection c) {
        int mtu = c.path.mtu();
        if (c.mtuSearch != null) {
            c.mtuSearch.follow();
            mtu = Math.min(mtu, c.mtuSearch.mtu());
        }
        int byPath = mtu - headersWithoutOptions(c);
        int mss = Math.min(byPath, c.peerMss);
        if (c.settings.maxSegmentSize > 0) {
            mss = Math.min(mss, c.settings.maxSegmentSize);
        }
        if (c.timestampsOn) {
            mss -= TcpOption.TIMESTAMPS_ALIGNED_LENGTH;
        }
        c.sndMss = Math.max(mss, parameters.minSegmentSize);
        c.window.mss = c.sndMss;
        // A path that has become wider must not leave a window of less than a segment.
        c.window.cwnd = Math.max(c.window.cwnd, c.sndMss);
    }

    private static int headersWithoutOptions(TcpConnection c) {
        return TcpStack.headersWithoutOptions(c.remoteHigh, c.remoteLow);
    }

    // ------------------------------------------------------------------------------------------------ retransmission

    /** Sends again what is deemed lost, in the order of sequence numbers, as far as the congestion window allows. */
    private void retransmitLost(TcpConnection c, long now) {
        SentSegments sent = c.sent;
        int i = sent.indexOf(c.recovery.firstLost());
        while (i < sent.count() && sent.lostBytes() > 0) {
            SentSegment segment = sent.get(i);
            if (!segment.has(SentSegment.LOST)) {
                i++;
                continue;
            }
            int room = c.window.cwnd - c.inFlight();
            if (room <= 0 || room < c.sndMss && c.inFlight() > 0 && segment.length() > room) {
                return;
            }
            if (SequenceNumber.greaterOrEqual(segment.start, c.sndUna + c.sndWnd) && segment.start != c.sndUna) {
                // The window has shrunk below it (RFC 9293 SHLD-16): only the first segment goes out regardless.
                return;
            }
            if (isPaced(c, now)) {
                return;
            }
            int length = Math.min(segment.length(), Math.max(room / c.sndMss, 1) * c.sndMss);
            if (!retransmit(c, i, length, now)) {
                return;
            }
            int packets = (sent.get(i).length() + c.sndMss - 1) / c.sndMss;
            if (c.recovery.state() == LossRecovery.State.RECOVERY) {
                stack.counters.add(TcpCounter.TCP_FAST_RETRANS, packets);
            } else if (c.recovery.state() == LossRecovery.State.LOSS) {
                stack.counters.add(TcpCounter.TCP_SLOW_START_RETRANS, packets);
            }
            c.recovery.firstLost(sent.get(i).end);
            i++;
        }
    }

    /**
     * Sends entry {@code i} of what is outstanding again, or its first part.
     *
     * @return whether it was sent
     */
    boolean retransmit(TcpConnection c, int i, int maxLength, long now) {
        SentSegment segment = c.sent.get(i);
        int length = Math.min(segment.length(), Math.min(maxLength, maxPayload(c)));
        if (segment.has(SentSegment.CONTROL) && segment.length() > 1 && length == segment.length() - 1) {
            length = segment.length();
        }
        if (length < segment.length()) {
            c.sent.split(i, segment.start + length);
            segment = c.sent.get(i);
        }
        boolean control = segment.has(SentSegment.CONTROL);
        int payload = segment.length() - (control ? 1 : 0);
        int flags = TcpHeader.ACK;
        if (control) {
            flags |= TcpHeader.FIN;
        }
        if (payload > 0 && segment.start + payload == c.queueEnd()) {
            // The last of what there is, as when it was sent first (RFC 9293 MUST-61).
            flags |= TcpHeader.PSH;
        }
        // Newer than the transmission before all the same: an acknowledgement is to show which of them it is for.
        int clock = stack.timestamp(now);
        int age = c.recovery.rack.takeTimestampAge(clock, clock - stack.timestamp(segment.sentAt));
        int sent = segments.transmit(c, segment.start, payload, c.sndMss, flags, age, now);
        if (sent < 0 || segments.isStranded()) {
            stack.counters.increment(TcpCounter.TCP_RETRANS_FAIL);
        }
        if (sent < 0) {
            return false;
        }
        if (sent < payload) {
            // The payload lies in more pieces than a frame takes.
            c.sent.split(i, segment.start + sent);
            segment = c.sent.get(i);
        }
        c.recovery.onRetransmit(segment, age, now);
        notePaced(c, payload, now);
        c.sent.resent(segment, now);
        segment.packetSize = segments.packetSize();
        c.lastSendAt = now;
        c.deliveryRate.onSent(segment, false, now);
        int packets = (segment.length() + c.sndMss - 1) / c.sndMss;
        c.statistics.totalRetransmits += packets;
        c.statistics.bytesRetransmitted += payload;
        stack.counters.add(TcpCounter.RETRANS_SEGS, packets);
        return true;
    }

    /** Sends new data in packets with a payload of {@code mss}; returns how many sequence numbers it took, 0 if nothing was sent. */
    private int transmitNew(TcpConnection c, int length, int mss, long now) {
        int start = c.sndNxt;
        boolean last = length == c.unsentBytes();
        int flags = TcpHeader.ACK;
        if (last) {
            flags |= length > 0 ? TcpHeader.PSH : 0;
            if (c.finQueued && length < c.sndUna + c.sndWnd - start) {
                flags |= TcpHeader.FIN;
            }
        }
        if (c.ecnReduce && length > 0) {
            flags |= TcpHeader.CWR;
            c.ecnReduce = false;
        }
        int sent = segments.transmit(c, start, length, mss, flags, 0, now);
        if (sent < 0) {
            return 0;
        }
        boolean fin = (flags & TcpHeader.FIN) != 0 && sent == length;
        int end = start + sent + (fin ? 1 : 0);
        boolean nothingInFlight = c.sent.isEmpty();
        SentSegment segment = c.sent.add(start, end, fin ? SentSegment.CONTROL : 0, now);
        segment.packetSize = segments.packetSize();
        c.deliveryRate.onSent(segment, nothingInFlight, now);
        c.sndNxt = end;
        c.finSent |= fin;
        if (sent % mss != 0) {
            c.smallSegmentEnd = end;
        }
        c.lastSendAt = now;
        c.sentInTurn += sent;
        notePaced(c, sent, now);
        c.recovery.onNewDataSent(sent);
        c.ackPolicy.dataSent(now, parameters.maxAckDelay);
        c.statistics.bytesSent += sent;
        stack.counters.add(TcpCounter.TCP_ORIG_DATA_SENT, (sent + segments.packetSize() - 1) / segments.packetSize());
        return Math.max(sent, 1);
    }
}
