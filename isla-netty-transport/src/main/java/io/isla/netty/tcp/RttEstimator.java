/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * Round-trip time and retransmission timeout of a connection (RFC 6298), in nanoseconds. The variance is smoothed over a window of data, as
 * hosts with many samples per round trip need (RFC 6298 §3, RFC 7323 appendix G): within one round the largest deviation counts.
 */
final class RttEstimator {
    private final TcpParameters parameters;
    private long srtt;
    private long rttvar;
    private long roundDeviation;
    private int roundEnd;
    private boolean measured;
    private long rto;
    private int backoff;
    private long minRtt = Long.MAX_VALUE;
    private long minRttAt;
    private long latest;

    /** How long a minimum is believed (as RFC 8985 §6.2 leaves open; routes change). */
    private static final long MIN_RTT_WINDOW = 300_000_000_000L;

    RttEstimator(TcpParameters parameters) {
        this.parameters = parameters;
        rto = parameters.initialRto;
    }

    /**
     * Takes a sample (RFC 6298 §2.2, §2.3).
     *
     * @param rtt nanoseconds
     * @param sndUna the first unacknowledged sequence number, after the acknowledgement that gave the sample
     * @param sndNxt the next sequence number to be sent
     */
    void sample(long rtt, int sndUna, int sndNxt) {
        long r = Math.max(1, rtt);
        latest = r;
        if (!measured) {
            measured = true;
            srtt = r;
            rttvar = r / 2;
            roundDeviation = 0;
            roundEnd = sndNxt;
        } else {
            long deviation = Math.abs(srtt - r);
            srtt += (r - srtt) / 8;
            // A round trip that is shorter than before must not push the timeout up as one that is longer does.
            if (r < srtt) {
                deviation /= 8;
            }
            roundDeviation = Math.max(roundDeviation, deviation);
            if (roundDeviation > rttvar) {
                rttvar += (roundDeviation - rttvar) / 4;
            }
            if (SequenceNumber.greaterOrEqual(sndUna, roundEnd)) {
                if (roundDeviation < rttvar) {
                    rttvar -= (rttvar - roundDeviation) / 4;
                }
                roundDeviation = 0;
                roundEnd = sndNxt;
            }
        }
        // K * RTTVAR has the floor, not the sum, so that a long path with a steady delay keeps its margin.
        rto = Math.min(parameters.maxRto, srtt + Math.max(parameters.minRto, 4 * rttvar));
        backoff = 0;
    }

    /** Takes a sample for the minimum, which may be a finer one than that for the timeout. */
    void sampleMin(long rtt, long now) {
        long r = Math.max(1, rtt);
        if (r <= minRtt || now - minRttAt > MIN_RTT_WINDOW) {
            minRtt = r;
            minRttAt = now;
        }
    }

    /** The timeout to use before there is a sample, for a connection whose handshake lost a SYN (RFC 6298 §5.7). */
    void initialTimeout(long timeout) {
        if (!measured) {
            rto = timeout;
        }
    }

    /** Doubles the timeout (RFC 6298 §5.5). */
    void backOff() {
        backoff++;
    }

    /** Takes back all doubling: new data was acknowledged. */
    void resetBackoff() {
        backoff = 0;
    }

    /** How many times the timeout has been doubled. */
    int backoff() {
        return backoff;
    }

    /** The timeout with its doubling, in nanoseconds. */
    long rto() {
        return backedOff(backoff);
    }

    /** The timeout doubled {@code times} times, in nanoseconds. */
    long backedOff(int times) {
        if (times >= 30) {
            return parameters.maxRto;
        }
        return Math.min(parameters.maxRto, rto << times);
    }

    boolean isMeasured() {
        return measured;
    }

    /** The smoothed round-trip time, 0 before the first sample. */
    long srtt() {
        return srtt;
    }

    long rttvar() {
        return rttvar;
    }

    /** The latest sample, 0 before the first. */
    long latest() {
        return latest;
    }

    /** The least round-trip time of late, or {@link Long#MAX_VALUE} before the first sample. */
    long minRtt() {
        return minRtt;
    }
}
