/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import java.io.IOException;

/**
 * A user event of an {@link IslaSocketChannel}: something is wrong that may pass, and ends nothing (RFC 9293 §3.9.1.8, MUST-47). Of several in one turn of the event loop, the
 * last is told. {@link IslaChannelOption#TCP_ERROR_REPORT} switches it off.
 *
 * @param cause an ICMP error about the connection, such as {@link java.net.NoRouteToHostException}, or {@link java.net.SocketTimeoutException} when as many
 *     retransmissions in a row as R1 says (3) have not been acknowledged (SHLD-9). It is the cause of the failure, too, if the connection fails before anything
 *     more is acknowledged
 */
public record IslaErrorReportEvent(IOException cause) {}
