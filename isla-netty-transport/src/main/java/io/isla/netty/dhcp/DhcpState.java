/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

/** The states of a client (RFC 2131 §4.4, figure 5). */
public enum DhcpState {
    /** It has not been started, or it was stopped. */
    STOPPED,
    /** It has no lease, and is about to look for servers. */
    INIT,
    /** It looks for servers and waits for offers. */
    SELECTING,
    /** It has asked for what was offered. */
    REQUESTING,
    /** It has asked for the address that it had before. INIT-REBOOT, from which this is entered by sending a message, has no duration. */
    REBOOTING,
    /** It has been granted an address, and waits to hear whether another station uses it (§2.2; RFC 5227 §2.1). In the figure, a part of the arrow to BOUND. */
    CHECKING,
    /** It has a lease. */
    BOUND,
    /** It has a lease, and asks the server that gave it for more time. */
    RENEWING,
    /** It has a lease that will end soon, and asks all servers for more time. */
    REBINDING
}
