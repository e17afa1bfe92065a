/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

import static io.isla.netty.dhcp.ScriptedDhcp.ADDRESS;
import static io.isla.netty.dhcp.ScriptedDhcp.ALL;
import static io.isla.netty.dhcp.ScriptedDhcp.SERVER;
import static io.isla.netty.dhcp.ServerMessage.ip;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.isla.netty.wire.DhcpOption;
import org.junit.jupiter.api.Test;

/** What becomes of a lease: BOUND, RENEWING, REBINDING, its end, and how it is given up. */
class LeaseLifeTest {
    private final ScriptedDhcp dhcp = new ScriptedDhcp(ScriptedDhcp.parameters());

    @Test
    void asksItsServerForMoreTimeAtHalfOfTheLease() {
        dhcp.bound(3600);

        assertThat(dhcp.passUntilSent()).isBetween(1800.0 * 31 / 32, 1800.0);

        ClientMessage request = dhcp.next(DhcpOption.REQUEST);
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.RENEWING);
        assertThat(request.source()).isEqualTo(ip(ADDRESS));
        assertThat(request.destination()).isEqualTo(ip(SERVER));
        assertThat(request.clientAddress()).isEqualTo(ip(ADDRESS));
        assertThat(request.broadcast()).isFalse();
        assertThat(request.seconds()).isZero();
        assertThat(request.options())
                .doesNotContainKeys(DhcpOption.REQUESTED_ADDRESS, DhcpOption.SERVER_IDENTIFIER)
                .containsKeys(DhcpOption.CLIENT_IDENTIFIER, DhcpOption.PARAMETER_REQUEST_LIST);
        assertThat(dhcp.events).isEmpty();
    }

    @Test
    void isBoundAnewWhenItsServerAgrees() {
        dhcp.bound(3600);
        dhcp.passUntilSent();
        ClientMessage request = dhcp.next(DhcpOption.REQUEST);
        dhcp.pass(0.5);

        dhcp.receive(dhcp.ack(request).lease(7200));

        assertThat(dhcp.client.state()).isEqualTo(DhcpState.BOUND);
        assertThat(dhcp.events).containsExactly("renewed " + ADDRESS);
        assertThat(dhcp.client.remainingNanos(dhcp.now)).isEqualTo(7199_500_000_000L);
        assertThat(dhcp.passUntilSent()).isCloseTo(3600, within(3600.0 / 32 + 1));
    }

    @Test
    void takesTheTimesThatTheServerSets() {
        dhcp.start();
        dhcp.receive(dhcp.offer(dhcp.next(DhcpOption.DISCOVER)).lease(3600));
        dhcp.receive(dhcp.ack(dhcp.next(DhcpOption.REQUEST))
                .lease(3600)
                .seconds(DhcpOption.RENEWAL_TIME, 320)
                .seconds(DhcpOption.REBINDING_TIME, 640));

        assertThat(dhcp.passUntilSent()).isBetween(310.0, 320.0);
        assertThat(dhcp.next(DhcpOption.REQUEST).destination()).isEqualTo(ip(SERVER));
        while (dhcp.client.state() == DhcpState.RENEWING) {
            dhcp.pass(1);
        }
        assertThat((dhcp.client.remainingNanos(dhcp.now)) / 1e9).isCloseTo(3600 - 630, within(11.0));
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.REBINDING);
    }

    @Test
    void timesThatMakeNoSenseAreAsIfAbsent() {
        dhcp.start();
        dhcp.receive(dhcp.offer(dhcp.next(DhcpOption.DISCOVER)).lease(3200));
        dhcp.receive(dhcp.ack(dhcp.next(DhcpOption.REQUEST))
                .lease(3200)
                .seconds(DhcpOption.RENEWAL_TIME, 5000)
                .seconds(DhcpOption.REBINDING_TIME, 4000));

        assertThat(dhcp.client.lease().renewalSeconds()).isEqualTo(1600);
        assertThat(dhcp.client.lease().rebindingSeconds()).isEqualTo(2800);
    }

    @Test
    void asksAgainAfterHalfOfTheTimeLeftButNotWithinAMinute() {
        dhcp.bound(3600);
        dhcp.passUntilSent();
        dhcp.next(DhcpOption.REQUEST);
        double untilRebinding = 3150 - 1800;
        for (int i = 0; i < 4; i++) {
            double waited = dhcp.passUntilSent();
            assertThat(waited).isCloseTo(untilRebinding / 2, within(50.0));
            dhcp.next(DhcpOption.REQUEST);
            untilRebinding -= waited;
        }
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.RENEWING);
        while (dhcp.client.state() == DhcpState.RENEWING) {
            double waited = dhcp.passUntilSent();
            if (dhcp.client.state() == DhcpState.RENEWING) {
                assertThat(waited).isGreaterThanOrEqualTo(60.0);
            }
            dhcp.next(DhcpOption.REQUEST);
        }
    }

    @Test
    void asksAllServersOnceSevenEighthsOfTheLeaseAreOver() {
        dhcp.bound(3600);
        dhcp.passUntilSent();
        ClientMessage renewal = dhcp.next(DhcpOption.REQUEST);
        ClientMessage request = renewal;
        while (dhcp.client.state() == DhcpState.RENEWING) {
            assertThat(request.destination()).isEqualTo(ip(SERVER));
            dhcp.passUntilSent();
            request = dhcp.next(DhcpOption.REQUEST);
        }

        assertThat(dhcp.client.state()).isEqualTo(DhcpState.REBINDING);
        assertThat(dhcp.client.remainingNanos(dhcp.now) / 1e9).isBetween(450.0, 450 + 3150.0 / 32);
        assertThat(request.destination()).isEqualTo(ALL);
        assertThat(request.source()).isEqualTo(ip(ADDRESS));
        assertThat(request.clientAddress()).isEqualTo(ip(ADDRESS));
        assertThat(request.transactionId()).isNotEqualTo(renewal.transactionId());

        // Another server has taken over.
        dhcp.receive(new ServerMessage(DhcpOption.ACK, request)
                .your(ADDRESS)
                .server("192.0.2.2")
                .lease(3600));
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.BOUND);
        assertThat(dhcp.client.lease().server()).isEqualTo(ip("192.0.2.2"));
        assertThat(dhcp.events).containsExactly("renewed " + ADDRESS);
        dhcp.passUntilSent();
        assertThat(dhcp.next(DhcpOption.REQUEST).destination()).isEqualTo(ip("192.0.2.2"));
    }

    @Test
    void losesTheAddressAtTheEndOfTheLeaseAndLooksForServers() {
        dhcp.bound(3600);
        dhcp.pass(3599.9);
        assertThat(dhcp.events).isEmpty();
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.REBINDING);
        int requests = (int) dhcp.counted(DhcpCounter.OUT_REQUESTS);
        assertThat(requests).as("requests in all").isBetween(7, 20);
        for (int i = 0; i < requests - 1; i++) {
            dhcp.next(DhcpOption.REQUEST);
        }

        dhcp.pass(0.2);

        assertThat(dhcp.events).containsExactly("unbound " + ADDRESS);
        assertThat(dhcp.counted(DhcpCounter.LEASES_EXPIRED)).isEqualTo(1);
        assertThat(dhcp.client.lease()).isNull();
        assertThat(dhcp.next(DhcpOption.DISCOVER).address(DhcpOption.REQUESTED_ADDRESS))
                .isEqualTo(ip(ADDRESS));
    }

    @Test
    void aLeaseThatEndedWhileNobodyWokeItIsLostAtOnce() {
        dhcp.bound(3600);
        dhcp.now += 10_000_000_000_000L;

        dhcp.client.expire(dhcp.now);

        assertThat(dhcp.events).containsExactly("unbound " + ADDRESS);
        dhcp.next(DhcpOption.DISCOVER);
    }

    @Test
    void losesTheAddressWhenItsServerRefusesMoreTime() {
        dhcp.bound(3600);
        dhcp.passUntilSent();
        ClientMessage request = dhcp.next(DhcpOption.REQUEST);
        dhcp.receive(new ServerMessage(DhcpOption.NAK, request).server("192.0.2.2"));
        assertThat(dhcp.events).isEmpty();

        dhcp.receive(dhcp.nak(request));

        assertThat(dhcp.events).containsExactly("unbound " + ADDRESS);
        assertThat(dhcp.next(DhcpOption.DISCOVER).address(DhcpOption.REQUESTED_ADDRESS))
                .isNull();
    }

    @Test
    void anotherAddressIsNoAnswerToARequestForMoreTime() {
        dhcp.bound(3600);
        dhcp.passUntilSent();
        ClientMessage request = dhcp.next(DhcpOption.REQUEST);

        dhcp.receive(dhcp.ack(request).your("192.0.2.78").lease(3600));

        assertThat(dhcp.client.state()).isEqualTo(DhcpState.RENEWING);
        assertThat(dhcp.counted(DhcpCounter.IN_UNRELATED)).isEqualTo(1);
    }

    @Test
    void aLeaseForEverIsNeverRenewed() {
        dhcp.bound(DhcpLease.FOREVER);

        assertThat(dhcp.client.isArmed()).isFalse();
        assertThat(dhcp.client.remainingNanos(dhcp.now)).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void theLongestLeaseThatEndsIsCountedRight() {
        dhcp.bound(DhcpLease.FOREVER - 1);

        assertThat(dhcp.client.remainingNanos(dhcp.now) / 1e9).isEqualTo(DhcpLease.FOREVER - 1.0);
        assertThat(dhcp.passUntilSent()).isGreaterThan(2e9);
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.RENEWING);
    }

    @Test
    void aLeaseOfASecondDoesNoHarm() {
        dhcp.bound(1);
        dhcp.pass(100);

        assertThat(dhcp.events).containsExactly("unbound " + ADDRESS);
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.SELECTING);
        assertThat(dhcp.counted(DhcpCounter.OUT_REQUESTS)).isLessThan(5);
    }

    // ------------------------------------------------------------------------------------------------ giving up

    @Test
    void tellsItsServerThatTheAddressIsNoLongerNeeded() {
        dhcp.bound(3600);

        dhcp.client.release(dhcp.now);
        dhcp.client.stop(dhcp.now);

        ClientMessage release = dhcp.next(DhcpOption.RELEASE);
        assertThat(release.source()).isEqualTo(ip(ADDRESS));
        assertThat(release.destination()).isEqualTo(ip(SERVER));
        assertThat(release.clientAddress()).isEqualTo(ip(ADDRESS));
        assertThat(release.address(DhcpOption.SERVER_IDENTIFIER)).isEqualTo(ip(SERVER));
        assertThat(release.options())
                .containsOnlyKeys(DhcpOption.MESSAGE_TYPE, DhcpOption.CLIENT_IDENTIFIER, DhcpOption.SERVER_IDENTIFIER);
        assertThat(dhcp.events).containsExactly("unbound " + ADDRESS);
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.STOPPED);
        assertThat(dhcp.client.isArmed()).isFalse();
    }

    @Test
    void asksForTheSameAddressWhenItStartsAgain() {
        dhcp.bound(3600);
        dhcp.client.stop(dhcp.now);

        dhcp.client.start(dhcp.now);

        assertThat(dhcp.client.state()).isEqualTo(DhcpState.REBOOTING);
        assertThat(dhcp.next(DhcpOption.REQUEST).address(DhcpOption.REQUESTED_ADDRESS))
                .isEqualTo(ip(ADDRESS));
    }

    @Test
    void withoutALeaseThereIsNothingToRelease() {
        dhcp.start();
        dhcp.next(DhcpOption.DISCOVER);

        dhcp.client.release(dhcp.now);
        dhcp.client.stop(dhcp.now);

        dhcp.nothingSent();
        assertThat(dhcp.events).isEmpty();
    }

    @Test
    void givesUpAnAddressThatAnotherStationClaimsTwiceInTenSeconds() {
        dhcp.bound(3600);
        dhcp.client.conflict(ip("192.0.2.78"), dhcp.now);
        dhcp.client.conflict(ip(ADDRESS), dhcp.now);
        dhcp.pass(10);
        dhcp.client.conflict(ip(ADDRESS), dhcp.now);
        assertThat(dhcp.events).as("once in ten seconds is defended").isEmpty();
        dhcp.pass(9);

        dhcp.client.conflict(ip(ADDRESS), dhcp.now);

        assertThat(dhcp.events).containsExactly("unbound " + ADDRESS);
        assertThat(dhcp.next(DhcpOption.DECLINE).address(DhcpOption.REQUESTED_ADDRESS))
                .isEqualTo(ip(ADDRESS));
        assertThat(dhcp.passUntilSent()).isEqualTo(10);
        dhcp.next(DhcpOption.DISCOVER);
    }

    // ------------------------------------------------------------------------------------------------ another network

    @Test
    void asksWhetherTheLeaseIsStillGoodWhenTheLinkIsBack() {
        dhcp.bound(3600);
        dhcp.pass(600);
        dhcp.client.linkUp(dhcp.now);

        ClientMessage request = dhcp.next(DhcpOption.REQUEST);
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.REBOOTING);
        assertThat(request.address(DhcpOption.REQUESTED_ADDRESS)).isEqualTo(ip(ADDRESS));
        assertThat(dhcp.events).isEmpty();

        dhcp.receive(dhcp.ack(request).lease(3600));
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.BOUND);
        assertThat(dhcp.events).containsExactly("renewed " + ADDRESS);
    }

    @Test
    void losesTheLeaseOnANetworkThatRefusesIt() {
        dhcp.bound(3600);
        dhcp.client.linkUp(dhcp.now);

        dhcp.receive(new ServerMessage(DhcpOption.NAK, dhcp.next(DhcpOption.REQUEST)).server("198.51.100.1"));

        assertThat(dhcp.events).containsExactly("unbound " + ADDRESS);
        dhcp.next(DhcpOption.DISCOVER);
    }

    @Test
    void keepsTheLeaseForTheRestOfItsTimeIfNobodyAnswers() {
        dhcp.bound(3600);
        dhcp.pass(600);
        dhcp.client.linkUp(dhcp.now);
        dhcp.next(DhcpOption.REQUEST);
        dhcp.passUntilSent();
        dhcp.next(DhcpOption.REQUEST);
        dhcp.pass(10);

        assertThat(dhcp.client.state()).isEqualTo(DhcpState.BOUND);
        assertThat(dhcp.events).isEmpty();
        assertThat(dhcp.passUntilSent()).isCloseTo(1800 - 614, within(62.0));
        assertThat(dhcp.next(DhcpOption.REQUEST).destination()).isEqualTo(ip(SERVER));
    }

    @Test
    void beginsAnewWhenTheLinkIsBackBeforeThereIsALease() {
        dhcp.start();
        ClientMessage discover = dhcp.next(DhcpOption.DISCOVER);
        dhcp.receive(dhcp.offer(discover).lease(3600));
        dhcp.next(DhcpOption.REQUEST);

        dhcp.client.linkUp(dhcp.now);

        assertThat(dhcp.next(DhcpOption.DISCOVER).transactionId()).isNotEqualTo(discover.transactionId());
    }
}
