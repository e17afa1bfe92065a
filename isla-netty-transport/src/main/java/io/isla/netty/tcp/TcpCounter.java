/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

/** What TCP counts. {@link #toString()} is the name: that of {@code /proc/net/snmp} (Tcp) or {@code /proc/net/netstat} (TcpExt) where Linux has the counter, and
 * otherwise one that begins with {@code Isla}. */
public enum TcpCounter {
    /** Active opens. */
    ACTIVE_OPENS("ActiveOpens"),
    /** Connections that a listener has accepted. */
    PASSIVE_OPENS("PassiveOpens"),
    /** Active opens that reached ESTABLISHED. */
    ACTIVE_ESTABLISHED("IslaActiveEstablished"),
    /** Passive opens that reached ESTABLISHED. */
    PASSIVE_ESTABLISHED("IslaPassiveEstablished"),
    /** Opens that failed. */
    ATTEMPT_FAILS("AttemptFails"),
    /** Connections ended by a reset. */
    ESTAB_RESETS("EstabResets"),
    /** Segments received. */
    IN_SEGS("InSegs"),
    /** Segments sent. */
    OUT_SEGS("OutSegs"),
    /** Segments with data sent for the first time. */
    TCP_ORIG_DATA_SENT("TCPOrigDataSent"),
    /** Segments sent again. */
    RETRANS_SEGS("RetransSegs"),
    /** Segments whose header was malformed or checksum wrong. */
    IN_ERRS("InErrs"),
    /** Segments whose checksum was wrong. */
    IN_CSUM_ERRORS("InCsumErrors"),
    /** Resets sent. */
    OUT_RSTS("OutRsts"),
    /** Resets believed. */
    RESETS_RECEIVED("IslaInRsts"),
    /** Segments to a broadcast or multicast address, or from an address that cannot be a peer's. */
    NOT_UNICAST("IslaNotUnicast"),
    /** Segments for which there is neither connection nor listener. */
    NO_CONNECTION("IslaNoConnection"),
    /** Handshakes completed while the accept queue was full. */
    LISTEN_OVERFLOWS("ListenOverflows"),
    /** Connection requests that the listener's user has rejected. */
    SYN_GATE_REJECTS("IslaSynGateRejects"),
    /** Connection requests that the listener's user has dropped, or has not decided about in time. */
    SYN_GATE_DROPS("IslaSynGateDrops"),
    /** SYNs dropped by a listener. */
    LISTEN_DROPS("ListenDrops"),
    /** Resets of connection requests. */
    EMBRYONIC_RSTS("EmbryonicRsts"),
    /** SYNs answered with a cookie because the SYN queue was full. */
    TCP_REQ_Q_FULL_DO_COOKIES("TCPReqQFullDoCookies"),
    /** SYNs dropped because the SYN queue was full. */
    TCP_REQ_Q_FULL_DROP("TCPReqQFullDrop"),
    /** SYN cookies sent. */
    SYNCOOKIES_SENT("SyncookiesSent"),
    /** SYN cookies that came back. */
    SYNCOOKIES_RECV("SyncookiesRecv"),
    /** Acknowledgements that were no SYN cookie. */
    SYNCOOKIES_FAILED("SyncookiesFailed"),
    /** Retransmission timeouts. */
    TCP_TIMEOUTS("TCPTimeouts"),
    /** SYNs and SYN-ACKs sent again. */
    TCP_SYN_RETRANS("TCPSynRetrans"),
    /** Timeouts found spurious by F-RTO. */
    TCP_SPURIOUS_RTOS("TCPSpuriousRTOs"),
    /** Tail loss probes sent. */
    TCP_LOSS_PROBES("TCPLossProbes"),
    /** Losses that a tail loss probe repaired. */
    TCP_LOSS_PROBE_RECOVERY("TCPLossProbeRecovery"),
    /** First timeouts in a recovery with SACK. */
    TCP_SACK_RECOVERY_FAIL("TCPSackRecoveryFail"),
    /** First timeouts in a recovery without SACK. */
    TCP_RENO_RECOVERY_FAIL("TCPRenoRecoveryFail"),
    /** First timeouts with something sacked, and no recovery begun. */
    TCP_SACK_FAILURES("TCPSackFailures"),
    /** First timeouts with duplicate acknowledgements, and no recovery begun. */
    TCP_RENO_FAILURES("TCPRenoFailures"),
    /** First timeouts, after something was acknowledged, in the recovery from a timeout. */
    TCP_LOSS_FAILURES("TCPLossFailures"),
    /** Segments sent again in fast recovery. */
    TCP_FAST_RETRANS("TCPFastRetrans"),
    /** Segments sent again in the recovery from a timeout, after the first. */
    TCP_SLOW_START_RETRANS("TCPSlowStartRetrans"),
    /** Retransmissions that could not be sent. */
    TCP_RETRANS_FAIL("TCPRetransFail"),
    /** Fast recoveries with SACK. */
    TCP_SACK_RECOVERY("TCPSackRecovery"),
    /** Fast recoveries without SACK. */
    TCP_RENO_RECOVERY("TCPRenoRecovery"),
    /** Peers that took back what they had sacked. */
    TCP_SACK_RENEGING("TCPSACKReneging"),
    /** Connections that saw reordering. */
    TCP_SACK_REORDER("TCPSACKReorder"),
    /** SACK blocks that made no sense. */
    TCP_SACK_DISCARD("TCPSACKDiscard"),
    /** Retransmissions that were lost. */
    TCP_LOST_RETRANSMIT("TCPLostRetransmit"),
    /** DSACKs sent of what had been acknowledged. */
    TCP_DSACK_OLD_SENT("TCPDSACKOldSent"),
    /** DSACKs sent of what lies ahead of a gap. */
    TCP_DSACK_OFO_SENT("TCPDSACKOfoSent"),
    /** DSACKs received of what is acknowledged. */
    TCP_DSACK_RECV("TCPDSACKRecv"),
    /** DSACKs received of what lies ahead of a gap. */
    TCP_DSACK_OFO_RECV("TCPDSACKOfoRecv"),
    /** Recoveries undone by DSACK. */
    TCP_DSACK_UNDO("TCPDSACKUndo"),
    /** Recoveries undone when they ended. */
    TCP_FULL_UNDO("TCPFullUndo"),
    /** Recoveries undone on the way. */
    TCP_PARTIAL_UNDO("TCPPartialUndo"),
    /** Timeouts undone. */
    TCP_LOSS_UNDO("TCPLossUndo"),
    /** Segments queued ahead of a gap. */
    TCP_OFO_QUEUE("TCPOFOQueue"),
    /** Segments ahead of a gap that were dropped. */
    TCP_OFO_DROP("TCPOFODrop"),
    /** Delayed acknowledgements sent by the timer. */
    DELAYED_ACKS("DelayedACKs"),
    /** Answers not sent for their rate: to a SYN, or anything that does not belong, in SYN-RECEIVED. */
    TCP_ACK_SKIPPED_SYN_RECV("TCPACKSkippedSynRecv"),
    /** Answers not sent for their rate: to segments with an old timestamp. */
    TCP_ACK_SKIPPED_PAWS("TCPACKSkippedPAWS"),
    /** Answers not sent for their rate: to segments outside the window. */
    TCP_ACK_SKIPPED_SEQ("TCPACKSkippedSeq"),
    /** Answers not sent for their rate: in TIME-WAIT. */
    TCP_ACK_SKIPPED_TIME_WAIT("TCPACKSkippedTimeWait"),
    /** Challenge ACKs not sent for their rate on one connection. */
    TCP_ACK_SKIPPED_CHALLENGE("TCPACKSkippedChallenge"),
    /** Data that came again, perhaps because its acknowledgement was lost. */
    DELAYED_ACK_LOST("DelayedACKLost"),
    /** Challenge ACKs sent. */
    TCP_CHALLENGE_ACK("TCPChallengeACK"),
    /** SYNs on a synchronized connection. */
    TCP_SYN_CHALLENGE("TCPSYNChallenge"),
    /** Resets in the window but not at its start. */
    TCP_CHALLENGE_RST("IslaChallengeRST"),
    /** Acknowledgements too old to be believed. */
    TCP_OLD_ACK("IslaOldAck"),
    /** Acknowledgements of what was never sent. */
    ACK_OF_UNSENT_DATA("IslaAckUnsent"),
    /** Segments dropped by PAWS. */
    PAWS_ESTAB("PAWSEstab"),
    /** Acknowledgements without data dropped by PAWS that were sent before the data that has arrived since. */
    PAWS_OLD_ACK("PAWSOldAck"),
    /** SYN-ACKs that echo a timestamp never sent. */
    PAWS_ACTIVE_REJECTED("PAWSActive"),
    /** Segments that reached beyond the window. */
    OUT_OF_WINDOW_DATA("BeyondWindow"),
    /** Data that came while the window was closed. */
    ZERO_WINDOW_DROP("TCPZeroWindowDrop"),
    /** Windows offered after none. */
    TCP_FROM_ZERO_WINDOW_ADV("TCPFromZeroWindowAdv"),
    /** Windows closed. */
    TCP_TO_ZERO_WINDOW_ADV("TCPToZeroWindowAdv"),
    /** Probes of a closed window. */
    TCP_WIN_PROBE("TCPWinProbe"),
    /** Keep-alive probes sent. */
    TCP_KEEP_ALIVE("TCPKeepAlive"),
    /** Connections reset because they were closed with data unread. */
    TCP_ABORT_ON_CLOSE("TCPAbortOnClose"),
    /** Connections reset because data came after they were closed. */
    TCP_ABORT_ON_DATA("TCPAbortOnData"),
    /** Connections given up. */
    TCP_ABORT_ON_TIMEOUT("TCPAbortOnTimeout"),
    /** Connections that ended their TIME-WAIT. */
    TIME_WAITS("TW"),
    /** Connections in TIME-WAIT replaced by a new one. */
    TIME_WAIT_RECYCLED("TWRecycled"),
    /** Connections not put into TIME-WAIT because there were too many. */
    TIME_WAIT_OVERFLOW("TCPTimeWaitOverflow"),
    /** Resets ignored in TIME-WAIT. */
    TIME_WAIT_RST_IGNORED("IslaTWRstIgnored"),
    /** SYNs sent with data. */
    TCP_FAST_OPEN_ACTIVE("TCPFastOpenActive"),
    /** SYNs whose data the server did not take. */
    TCP_FAST_OPEN_ACTIVE_FAIL("TCPFastOpenActiveFail"),
    /** SYNs received with data and a good cookie. */
    TCP_FAST_OPEN_PASSIVE("TCPFastOpenPassive"),
    /** SYNs with data whose cookie was bad. */
    TCP_FAST_OPEN_PASSIVE_FAIL("TCPFastOpenPassiveFail"),
    /** SYNs with data and a good cookie that were one too many for the listener. */
    TCP_FAST_OPEN_LISTEN_OVERFLOW("TCPFastOpenListenOverflow"),
    /** SYNs that asked for a Fast Open cookie. */
    TCP_FAST_OPEN_COOKIE_REQD("TCPFastOpenCookieReqd"),
    /** Probes of a larger path MTU that got through. */
    TCP_MTUP_SUCCESS("TCPMTUPSuccess"),
    /** Probes of a larger path MTU that were lost. */
    TCP_MTUP_FAIL("TCPMTUPFail"),
    /** Times that segments were made smaller because full ones did not get through. */
    PATH_MTU_BLACK_HOLES("IslaMtuBlackHoles"),
    /** Segments handed over to the event loop that has their connection, or would have it, which counts them as received once more. */
    HANDED_OVER("IslaHandedOver"),
    /** Segments not sent because the path had become narrower. */
    OUT_TOO_BIG("IslaOutTooBig"),
    /** Segments not sent for want of a route. */
    OUT_NO_ROUTE("IslaOutNoRoute"),
    /** ICMP errors that matched no connection, or quoted a sequence number not in flight. */
    ICMP_IGNORED("IslaIcmpIgnored"),
    /** ICMP errors that quoted a sequence number not in flight. */
    OUT_OF_WINDOW_ICMPS("OutOfWindowIcmps");

    private final String text;

    TcpCounter(String text) {
        this.text = text;
    }

    @Override
    public String toString() {
        return text;
    }
}
