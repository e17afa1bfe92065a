/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.stack;

import io.isla.netty.ip.IcmpErrorKind;
import io.isla.netty.wire.IpAddress;
import java.io.IOException;

/** Is told what has become of an {@link EchoRequest}: one call, on the thread of the shard that has sent it. */
public interface EchoListener {
    /**
     * There was a reply.
     *
     * @param from who has replied: whom it was sent to, unless that was a group
     * @param size bytes of data
     * @param hopLimit the TTL or hop limit with which the reply has arrived
     * @param roundTripNanos from sending to receiving
     */
    void onReply(IpAddress from, int size, int hopLimit, long roundTripNanos);

    /**
     * The request could not be delivered.
     *
     * @param reporter who says so; this host, if it has found out itself
     * @param type the ICMP or ICMPv6 type of the message
     * @param code its code
     * @param mtu that of the next hop in bytes, for a request that is too big; 0 if not known
     */
    void onUnreachable(IpAddress reporter, IcmpErrorKind kind, int type, int code, int mtu);

    /** It could not be sent, or its time is over; no reply will be waited for. */
    void onFailure(IOException cause);
}
