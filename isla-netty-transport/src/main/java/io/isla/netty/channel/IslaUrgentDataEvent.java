/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

/**
 * A user event of an {@link IslaSocketChannel}: the peer has urgent data under way (RFC 9293 §3.8.5, MUST-32). It comes as soon as the peer says so, perhaps before
 * the data, and again when it says so of later data. The data itself is read in line with the rest (RFC 6093 §4).
 *
 * @param bytes how many of the bytes that the channel reads from now on lie before the end of the urgent data, at least 1; where it begins, TCP does not say.
 *     {@link IslaTcpInfo#urgent()} is how many it still is later on (MUST-33)
 */
public record IslaUrgentDataEvent(int bytes) {}
