/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.udp;

/** The user of an endpoint. Called on the endpoint's shard, never from inside the processing of a packet. */
public interface UdpUser {
    /** Datagrams can be read, or {@link UdpEndpoint#takeError()} has an error to tell. */
    void onUdpEvents(UdpEndpoint endpoint);
}
