/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * What is left of a connection in TIME-WAIT (RFC 9293 §3.10.7.4, §3.10.7.8): enough to answer old segments and to judge a new SYN. A copy of the record that a
 * {@link TimeWaitTable} keeps, which lends the same object each time.
 */
final class TimeWait {
    /** Which record of the table this is. */
    int slot;

    long localHigh;
    long localLow;
    int localPort;
    long remoteHigh;
    long remoteLow;
    int remotePort;
    int sndNxt;
    int rcvNxt;
    int rcvWnd;
    int tsRecent;
    int timestampOffset;
    byte rcvScale;
    byte trafficClass;
    boolean timestamps;
    /** Whether an acknowledgement has been sent since, and when the last one was. */
    boolean acked;

    long lastAckAt;
    /** When the connection is forgotten. */
    long deadline;
}
