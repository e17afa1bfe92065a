/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/**
 * What the user of a connection or listener can set, with the defaults of Netty and Linux. A channel's config owns one; a connection
 * copies it when it is made, and looks at its own copy from then on. Not thread-safe: the owner's thread.
 */
public final class TcpSettings {
    boolean noDelay = true;
    boolean cork;
    boolean quickAck;
    boolean keepAlive;
    int keepIdleSeconds = 7200;
    int keepIntervalSeconds = 75;
    int keepCount = 9;
    int userTimeoutMillis;
    int sendBuffer;
    int receiveBuffer;
    int trafficClass;
    int hopLimit = 64;
    int maxSegmentSize;
    int notSentLowWater;
    int synRetries = -1;
    int fastOpenBacklog;
    boolean fastOpenConnect;
    boolean v6Only;
    String congestionControl;

    /** Settings with their defaults. */
    public TcpSettings() {}

    /** Takes over all values of {@code other}. */
    public TcpSettings copyFrom(TcpSettings other) {
        noDelay = other.noDelay;
        cork = other.cork;
        quickAck = other.quickAck;
        keepAlive = other.keepAlive;
        keepIdleSeconds = other.keepIdleSeconds;
        keepIntervalSeconds = other.keepIntervalSeconds;
        keepCount = other.keepCount;
        userTimeoutMillis = other.userTimeoutMillis;
        sendBuffer = other.sendBuffer;
        receiveBuffer = other.receiveBuffer;
        trafficClass = other.trafficClass;
        hopLimit = other.hopLimit;
        maxSegmentSize = other.maxSegmentSize;
        notSentLowWater = other.notSentLowWater;
        synRetries = other.synRetries;
        fastOpenBacklog = other.fastOpenBacklog;
        fastOpenConnect = other.fastOpenConnect;
        v6Only = other.v6Only;
        congestionControl = other.congestionControl;
        return this;
    }

    /** Whether Nagle's algorithm is off (RFC 9293 MUST-17). */
    public boolean noDelay() {
        return noDelay;
    }

    /** Sets {@link #noDelay()}. */
    public TcpSettings noDelay(boolean value) {
        noDelay = value;
        return this;
    }

    /** Whether only full segments are sent, until this is switched off or 200 ms have passed. */
    public boolean cork() {
        return cork;
    }

    /** Sets {@link #cork()}. */
    public TcpSettings cork(boolean value) {
        cork = value;
        return this;
    }

    /** Whether every segment is acknowledged at once. */
    public boolean quickAck() {
        return quickAck;
    }

    /** Sets {@link #quickAck()}. */
    public TcpSettings quickAck(boolean value) {
        quickAck = value;
        return this;
    }

    /** Whether an idle connection is probed (RFC 9293 MUST-24, MUST-25). */
    public boolean keepAlive() {
        return keepAlive;
    }

    /** Sets {@link #keepAlive()}. */
    public TcpSettings keepAlive(boolean value) {
        keepAlive = value;
        return this;
    }

    /** Idle seconds before the first keep-alive probe (RFC 9293 MUST-27, MUST-28). */
    public int keepIdleSeconds() {
        return keepIdleSeconds;
    }

    /** Sets {@link #keepIdleSeconds()}. */
    public TcpSettings keepIdleSeconds(int value) {
        keepIdleSeconds = value;
        return this;
    }

    /** Seconds between keep-alive probes. */
    public int keepIntervalSeconds() {
        return keepIntervalSeconds;
    }

    /** Sets {@link #keepIntervalSeconds()}. */
    public TcpSettings keepIntervalSeconds(int value) {
        keepIntervalSeconds = value;
        return this;
    }

    /** Unanswered keep-alive probes after which the connection fails. */
    public int keepCount() {
        return keepCount;
    }

    /** Sets {@link #keepCount()}. */
    public TcpSettings keepCount(int value) {
        keepCount = value;
        return this;
    }

    /** Milliseconds that sent data may stay unacknowledged before the connection fails (RFC 5482); 0: as the retransmission limits say. */
    public int userTimeoutMillis() {
        return userTimeoutMillis;
    }

    /** Sets {@link #userTimeoutMillis()}. */
    public TcpSettings userTimeoutMillis(int value) {
        userTimeoutMillis = value;
        return this;
    }

    /** Bytes that may be queued, sent or not, until acknowledged; 0: sized by the connection itself. */
    public int sendBuffer() {
        return sendBuffer;
    }

    /** Sets {@link #sendBuffer()}. */
    public TcpSettings sendBuffer(int value) {
        sendBuffer = value;
        return this;
    }

    /** Bytes that may be received and not yet read; 0: sized by the connection itself. */
    public int receiveBuffer() {
        return receiveBuffer;
    }

    /** Sets {@link #receiveBuffer()}. */
    public TcpSettings receiveBuffer(int value) {
        receiveBuffer = value;
        return this;
    }

    /** The TOS or traffic class octet of what is sent; its two ECN bits are the connection's own. */
    public int trafficClass() {
        return trafficClass;
    }

    /** Sets {@link #trafficClass()}. */
    public TcpSettings trafficClass(int value) {
        trafficClass = value;
        return this;
    }

    /** The TTL or hop limit of what is sent, 1 to 255 (RFC 9293 MUST-49). */
    public int hopLimit() {
        return hopLimit;
    }

    /** Sets {@link #hopLimit()}. */
    public TcpSettings hopLimit(int value) {
        hopLimit = value;
        return this;
    }

    /** The most payload bytes in a segment, both ways; 0: as the path MTU allows. */
    public int maxSegmentSize() {
        return maxSegmentSize;
    }

    /** Sets {@link #maxSegmentSize()}. */
    public TcpSettings maxSegmentSize(int value) {
        maxSegmentSize = value;
        return this;
    }

    /** With a value above 0, {@link TcpEvents#WRITABLE} waits until fewer bytes than this are unsent. */
    public int notSentLowWater() {
        return notSentLowWater;
    }

    /** Sets {@link #notSentLowWater()}. */
    public TcpSettings notSentLowWater(int value) {
        notSentLowWater = value;
        return this;
    }

    /** How often a SYN is sent again; -1: as the host's parameters say. */
    public int synRetries() {
        return synRetries;
    }

    /** Sets {@link #synRetries()}. */
    public TcpSettings synRetries(int value) {
        synRetries = value;
        return this;
    }

    /** Of a listener: how many connections may be pending that were opened with data in the SYN (RFC 7413); 0: off. */
    public int fastOpenBacklog() {
        return fastOpenBacklog;
    }

    /** Sets {@link #fastOpenBacklog()}. */
    public TcpSettings fastOpenBacklog(int value) {
        fastOpenBacklog = value;
        return this;
    }

    /** Of a connecting end: whether to send data in the SYN when a cookie is at hand (RFC 7413). */
    public boolean fastOpenConnect() {
        return fastOpenConnect;
    }

    /** Sets {@link #fastOpenConnect()}. */
    public TcpSettings fastOpenConnect(boolean value) {
        fastOpenConnect = value;
        return this;
    }

    /** Of a listener on {@code ::}: whether it leaves IPv4 alone. */
    public boolean v6Only() {
        return v6Only;
    }

    /** Sets {@link #v6Only()}. */
    public TcpSettings v6Only(boolean value) {
        v6Only = value;
        return this;
    }

    /** The name of the congestion control algorithm; {@code null}: the host's default. */
    public String congestionControl() {
        return congestionControl;
    }

    /** Sets {@link #congestionControl()}. */
    public TcpSettings congestionControl(String value) {
        congestionControl = value;
        return this;
    }
}
