/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

/** What the DHCP client counts. */
public enum DhcpCounter {
    /** Messages that are malformed, or lack what they must have. */
    IN_ERRORS("DhcpInErrors"),
    /** Messages from clients, or for another one, or in answer to what was not asked. */
    IN_UNRELATED("DhcpInUnrelated"),
    /** Messages of a type that has no meaning in the present state. */
    IN_IGNORED("DhcpInIgnored"),
    /** Options whose value makes no sense; they are taken to be absent. */
    IN_BAD_OPTIONS("DhcpInBadOptions"),
    /** Offers received that were for this client. */
    IN_OFFERS("DhcpInOffers"),
    /** Acknowledgements received that were for this client. */
    IN_ACKS("DhcpInAcks"),
    /** Refusals received that were for this client. */
    IN_NAKS("DhcpInNaks"),
    /** DHCPDISCOVER sent. */
    OUT_DISCOVERS("DhcpOutDiscovers"),
    /** DHCPREQUEST sent. */
    OUT_REQUESTS("DhcpOutRequests"),
    /** DHCPDECLINE sent. */
    OUT_DECLINES("DhcpOutDeclines"),
    /** DHCPRELEASE sent. */
    OUT_RELEASES("DhcpOutReleases"),
    /** Leases that were not renewed in time. */
    LEASES_EXPIRED("DhcpLeasesExpired");

    private final String text;

    DhcpCounter(String text) {
        this.text = text;
    }

    @Override
    public String toString() {
        return text;
    }
}
