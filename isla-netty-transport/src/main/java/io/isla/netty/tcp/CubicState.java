/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * Where {@link Cubic} stands on its cubic function (RFC 9438 §4.1.2): all that is put back when congestion turns out to have been none. Windows
 * are in bytes, times in nanoseconds unless they say otherwise.
 */
final class CubicState {
    /** How fast the window grows, in segments per cubic second (RFC 9438 §5.1). */
    private static final double C = 0.4;

    private static final double NANOS_PER_SECOND = 1e9;

    /** W_max: the window at the latest congestion, less if fast convergence says so; 0 if undefined. */
    double maxWindow;
    /** cwnd_prior: the window when ssthresh was last set; 0 if it never was. */
    int priorCwnd;
    /** W_est: the window that Reno would have. */
    double renoWindow;
    /** Whether a stage of congestion avoidance has begun; the rest means something only then. */
    boolean inAvoidance;

    /** The plateau of the function: W_max, or where the stage began if that is undefined or lower. */
    private double plateau;
    /** C in bytes per cubic second. The segment size of the beginning holds for the whole stage, or its function would jump. */
    private double steepness;
    /** K in seconds: how long the stage takes to reach the plateau. */
    private double secondsToPlateau;
    /** t: how long the stage has lasted, not counting times when the window was not the limit. */
    private long elapsed;

    private long lastAdvance;

    /** A stage of congestion avoidance begins (RFC 9438 §4.2, §4.8, §4.10). */
    void beginAvoidance(CongestionWindow window, long now) {
        inAvoidance = true;
        elapsed = 0;
        lastAdvance = now;
        renoWindow = window.cwnd;
        plateau = Math.max(maxWindow, window.cwnd);
        steepness = C * window.mss;
        secondsToPlateau = StrictMath.cbrt((plateau - window.cwnd) / steepness);
    }

    /**
     * Time goes on, with an acknowledgement that lets the window grow. While the window is the limit such acknowledgements come within a round
     * trip of each other. If one comes later, the sender was idle, had too little to send, or was recovering in between, and that does not
     * count (RFC 9438 §4.2, §5.8): else the window would leap afterwards.
     *
     * @param roundTrip the longest that may have passed since the acknowledgement before
     */
    void advance(long now, long roundTrip) {
        elapsed += Math.max(0, Math.min(now - lastAdvance, roundTrip));
        lastAdvance = now;
    }

    /** W_cubic(t + ahead) (RFC 9438 §4.2, equation 1). */
    double cubicWindow(long ahead) {
        double t = (elapsed + ahead) / NANOS_PER_SECOND - secondsToPlateau;
        return steepness * t * t * t + plateau;
    }

    void copyFrom(CubicState other) {
        maxWindow = other.maxWindow;
        priorCwnd = other.priorCwnd;
        renoWindow = other.renoWindow;
        inAvoidance = other.inAvoidance;
        plateau = other.plateau;
        steepness = other.steepness;
        secondsToPlateau = other.secondsToPlateau;
        elapsed = other.elapsed;
        lastAdvance = other.lastAdvance;
    }
}
