/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/** What is left of a connection in TIME-WAIT (RFC 9293 §3.10.7.4, §3.10.7.8): enough to answer old segments and to judge a new SYN. */
final class TimeWait extends Flow {
    int sndNxt;
    int rcvNxt;
    int rcvWnd;
    int tsRecent;
    int timestampOffset;
    byte rcvScale;
    byte trafficClass;
    boolean timestamps;
    long deadline;
    long lastAckAt;
    boolean acked;
    TimeWait previous;
    TimeWait next;

    TimeWait(TcpConnection c) {
        super(c.localHigh, c.localLow, c.localPort, c.remoteHigh, c.remoteLow, c.remotePort);
        sndNxt = c.sndNxt;
        rcvNxt = c.rcvNxt;
        rcvWnd = c.rcvWnd();
        tsRecent = c.tsRecent;
        timestampOffset = c.timestampOffset;
        rcvScale = c.rcvScale;
        trafficClass = (byte) c.settings.trafficClass;
        timestamps = c.timestampsOn;
    }
}
