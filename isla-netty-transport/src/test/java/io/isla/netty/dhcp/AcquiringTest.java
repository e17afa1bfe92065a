/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

import static io.isla.netty.dhcp.ScriptedDhcp.ADDRESS;
import static io.isla.netty.dhcp.ScriptedDhcp.ALL;
import static io.isla.netty.dhcp.ScriptedDhcp.MAC;
import static io.isla.netty.dhcp.ScriptedDhcp.SERVER;
import static io.isla.netty.dhcp.ServerMessage.ip;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.isla.netty.wire.DhcpHeader;
import io.isla.netty.wire.DhcpOption;
import io.isla.netty.wire.IpAddress;
import org.junit.jupiter.api.Test;

/** How a client comes by a lease: INIT, SELECTING, REQUESTING, REBOOTING, and the check before BOUND. */
class AcquiringTest {
    private ScriptedDhcp dhcp = new ScriptedDhcp(ScriptedDhcp.parameters());

    @Test
    void looksForServersAtOnceFromNowhereToAll() {
        dhcp.start();

        ClientMessage discover = dhcp.next(DhcpOption.DISCOVER);
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.SELECTING);
        assertThat(discover.source()).isEqualTo(IpAddress.ANY_V4);
        assertThat(discover.destination()).isEqualTo(ALL);
        assertThat(discover.operation()).isEqualTo(DhcpHeader.BOOT_REQUEST);
        assertThat(discover.hardwareAddress()).isEqualTo(MAC);
        assertThat(discover.clientAddress()).isEqualTo(IpAddress.ANY_V4);
        assertThat(discover.seconds()).isZero();
        assertThat(discover.broadcast()).isFalse();
        assertThat(discover.bytes()).isGreaterThanOrEqualTo(DhcpHeader.MIN_MESSAGE_LENGTH);
        assertThat(discover.options())
                .containsOnlyKeys(
                        DhcpOption.MESSAGE_TYPE,
                        DhcpOption.CLIENT_IDENTIFIER,
                        DhcpOption.MAX_MESSAGE_SIZE,
                        DhcpOption.PARAMETER_REQUEST_LIST);
        assertThat(discover.options().get(DhcpOption.MAX_MESSAGE_SIZE)).containsExactly(1500 >> 8, 1500 & 0xff);
    }

    @Test
    void asksForClasslessRoutesBeforeTheRoutersThatTheyReplace() {
        dhcp.start();

        assertThat(dhcp.next(DhcpOption.DISCOVER).options().get(DhcpOption.PARAMETER_REQUEST_LIST))
                .containsSubsequence(DhcpOption.CLASSLESS_STATIC_ROUTES, DhcpOption.ROUTERS)
                .contains(
                        DhcpOption.SUBNET_MASK,
                        DhcpOption.DOMAIN_NAME_SERVERS,
                        DhcpOption.DOMAIN_NAME,
                        DhcpOption.DOMAIN_SEARCH,
                        DhcpOption.INTERFACE_MTU,
                        DhcpOption.NTP_SERVERS);
    }

    @Test
    void identifiesItselfByIaidAndDuid() {
        dhcp.start();

        assertThat(dhcp.next(DhcpOption.DISCOVER).options().get(DhcpOption.CLIENT_IDENTIFIER))
                .inHexadecimal()
                .containsExactly(0xff, 0x5e, 0x10, 0, 1, 0, 3, 0, 1, 2, 0, 0x5e, 0x10, 0, 1);
    }

    @Test
    void tellsTheNameAndIdentifierThatItWasGiven() {
        dhcp = new ScriptedDhcp(new DhcpParameters(MAC, new byte[] {1, 2, 3}, "web-1", null, false, 1500));
        dhcp.start();

        ClientMessage discover = dhcp.next(DhcpOption.DISCOVER);
        assertThat(discover.options().get(DhcpOption.CLIENT_IDENTIFIER)).containsExactly(1, 2, 3);
        assertThat(discover.options().get(DhcpOption.HOST_NAME)).asString().isEqualTo("web-1");
    }

    @Test
    void looksAgainAfter4Then8UpTo64SecondsEachASecondMoreOrLess() {
        dhcp.start();
        ClientMessage first = dhcp.next(DhcpOption.DISCOVER);
        double elapsed = 0;

        for (int wait : new int[] {4, 8, 16, 32, 64, 64, 64}) {
            double waited = dhcp.passUntilSent();
            elapsed += waited;
            assertThat(waited).isCloseTo(wait, within(1.0));
            ClientMessage again = dhcp.next(DhcpOption.DISCOVER);
            assertThat(again.transactionId()).isEqualTo(first.transactionId());
            assertThat(again.seconds()).isEqualTo((int) elapsed);
            assertThat(again.broadcast())
                    .as("unheard, it asks for answers by broadcast")
                    .isTrue();
        }
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.SELECTING);
    }

    @Test
    void clientsThatStartTogetherDoNotLookAgainTogether() {
        ScriptedDhcp other = new ScriptedDhcp(ScriptedDhcp.parameters(), 2);
        dhcp.start();
        other.start();

        assertThat(dhcp.client.deadline()).isNotEqualTo(other.client.deadline());
        assertThat(dhcp.next(DhcpOption.DISCOVER).transactionId())
                .isNotEqualTo(other.next(DhcpOption.DISCOVER).transactionId());
    }

    @Test
    void requestsFromAllWhatWasOfferedFirst() {
        dhcp.start();
        dhcp.pass(6);
        dhcp.next(DhcpOption.DISCOVER);
        ClientMessage discover = dhcp.next(DhcpOption.DISCOVER);
        dhcp.pass(1);

        dhcp.receive(dhcp.offer(discover).lease(3600));

        ClientMessage request = dhcp.next(DhcpOption.REQUEST);
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.REQUESTING);
        assertThat(request.transactionId()).isEqualTo(discover.transactionId());
        assertThat(request.seconds()).isEqualTo(discover.seconds());
        assertThat(request.broadcast()).isEqualTo(discover.broadcast());
        assertThat(request.destination()).isEqualTo(ALL);
        assertThat(request.source()).isEqualTo(IpAddress.ANY_V4);
        assertThat(request.clientAddress()).isEqualTo(IpAddress.ANY_V4);
        assertThat(request.address(DhcpOption.REQUESTED_ADDRESS)).isEqualTo(ip(ADDRESS));
        assertThat(request.address(DhcpOption.SERVER_IDENTIFIER)).isEqualTo(ip(SERVER));
        assertThat(request.options()).containsKeys(DhcpOption.PARAMETER_REQUEST_LIST, DhcpOption.CLIENT_IDENTIFIER);
    }

    @Test
    void leavesFurtherOffersAlone() {
        dhcp.start();
        ClientMessage discover = dhcp.next(DhcpOption.DISCOVER);
        dhcp.receive(dhcp.offer(discover).lease(3600));
        dhcp.next(DhcpOption.REQUEST);

        dhcp.receive(new ServerMessage(DhcpOption.OFFER, discover)
                .your("192.0.2.99")
                .server("192.0.2.2")
                .lease(3600));

        dhcp.nothingSent();
        assertThat(dhcp.counted(DhcpCounter.IN_IGNORED)).isEqualTo(1);
    }

    @Test
    void isBoundByTheAcknowledgement() {
        dhcp.start();
        dhcp.receive(dhcp.offer(dhcp.next(DhcpOption.DISCOVER)).lease(3600));
        dhcp.receive(
                dhcp.ack(dhcp.next(DhcpOption.REQUEST)).lease(3600).addresses(DhcpOption.SUBNET_MASK, "255.255.255.0"));

        assertThat(dhcp.client.state()).isEqualTo(DhcpState.BOUND);
        assertThat(dhcp.events).containsExactly("bound " + ADDRESS);
        DhcpLease lease = dhcp.client.lease();
        assertThat(lease.address()).isEqualTo(ip(ADDRESS));
        assertThat(lease.prefixLength()).isEqualTo(24);
        assertThat(lease.server()).isEqualTo(ip(SERVER));
        assertThat(dhcp.client.remainingNanos(dhcp.now)).isEqualTo(3600_000_000_000L);
        dhcp.nothingSent();
    }

    @Test
    void requestsFourTimesInAMinuteAndBeginsAnew() {
        dhcp.start();
        ClientMessage discover = dhcp.next(DhcpOption.DISCOVER);
        dhcp.receive(dhcp.offer(discover).lease(3600));
        ClientMessage request = dhcp.next(DhcpOption.REQUEST);
        for (int wait : new int[] {4, 8, 16}) {
            assertThat(dhcp.passUntilSent()).isCloseTo(wait, within(1.0));
            ClientMessage again = dhcp.next(DhcpOption.REQUEST);
            assertThat(again.transactionId()).isEqualTo(request.transactionId());
            assertThat(again.broadcast()).isTrue();
        }

        assertThat(dhcp.passUntilSent()).isCloseTo(32, within(1.0));

        assertThat(dhcp.next(DhcpOption.DISCOVER).transactionId()).isNotEqualTo(discover.transactionId());
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.SELECTING);
    }

    @Test
    void theLeaseCountsFromTheRequest() {
        dhcp.start();
        dhcp.receive(dhcp.offer(dhcp.next(DhcpOption.DISCOVER)).lease(3600));
        ClientMessage request = dhcp.next(DhcpOption.REQUEST);
        dhcp.pass(2.5);
        dhcp.receive(dhcp.ack(request).lease(3600));

        assertThat(dhcp.client.remainingNanos(dhcp.now)).isEqualTo(3597_500_000_000L);
    }

    @Test
    void beginsAnewAtOnceWhenRefusedButNotWithoutEnd() {
        dhcp.start();
        dhcp.receive(dhcp.offer(dhcp.next(DhcpOption.DISCOVER)).lease(3600));
        dhcp.receive(dhcp.nak(dhcp.next(DhcpOption.REQUEST)));
        for (int wait : new int[] {4, 8, 16}) {
            dhcp.receive(dhcp.offer(dhcp.next(DhcpOption.DISCOVER)).lease(3600));
            dhcp.receive(dhcp.nak(dhcp.next(DhcpOption.REQUEST)));
            assertThat(dhcp.client.state()).isEqualTo(DhcpState.INIT);
            assertThat(dhcp.passUntilSent()).isCloseTo(wait, within(1.0));
        }
        assertThat(dhcp.counted(DhcpCounter.IN_NAKS)).isEqualTo(4);
        assertThat(dhcp.events).isEmpty();
    }

    @Test
    void anotherServersRefusalMeansNothing() {
        dhcp.start();
        dhcp.receive(dhcp.offer(dhcp.next(DhcpOption.DISCOVER)).lease(3600));
        ClientMessage request = dhcp.next(DhcpOption.REQUEST);

        dhcp.receive(new ServerMessage(DhcpOption.NAK, request).server("192.0.2.2"));
        dhcp.receive(new ServerMessage(DhcpOption.NAK, request));

        assertThat(dhcp.client.state()).isEqualTo(DhcpState.REQUESTING);
        assertThat(dhcp.counted(DhcpCounter.IN_UNRELATED)).isEqualTo(1);
        assertThat(dhcp.counted(DhcpCounter.IN_ERRORS)).isEqualTo(1);
    }

    @Test
    void onlyTheServerThatWasAskedCanGrantWhatItOffered() {
        dhcp.start();
        dhcp.receive(dhcp.offer(dhcp.next(DhcpOption.DISCOVER)).lease(3600));
        ClientMessage request = dhcp.next(DhcpOption.REQUEST);

        dhcp.receive(new ServerMessage(DhcpOption.ACK, request)
                .your(ADDRESS)
                .server("192.0.2.2")
                .lease(3600));
        dhcp.receive(new ServerMessage(DhcpOption.ACK, request)
                .your("192.0.2.78")
                .server(SERVER)
                .lease(3600));

        assertThat(dhcp.client.state()).isEqualTo(DhcpState.REQUESTING);
        assertThat(dhcp.counted(DhcpCounter.IN_UNRELATED)).isEqualTo(2);
    }

    // ------------------------------------------------------------------------------------------------ INIT-REBOOT

    @Test
    void asksForTheAddressOfOldFirst() {
        dhcp = new ScriptedDhcp(ScriptedDhcp.previous(ADDRESS)).start();

        ClientMessage request = dhcp.next(DhcpOption.REQUEST);
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.REBOOTING);
        assertThat(request.destination()).isEqualTo(ALL);
        assertThat(request.clientAddress()).isEqualTo(IpAddress.ANY_V4);
        assertThat(request.address(DhcpOption.REQUESTED_ADDRESS)).isEqualTo(ip(ADDRESS));
        assertThat(request.address(DhcpOption.SERVER_IDENTIFIER)).isNull();

        dhcp.receive(new ServerMessage(DhcpOption.ACK, request)
                .your("192.0.2.78")
                .server(SERVER)
                .lease(3600));
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.REBOOTING);
        dhcp.receive(dhcp.ack(request).lease(3600));
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.BOUND);
        assertThat(dhcp.events).containsExactly("bound " + ADDRESS);
    }

    @Test
    void looksForAnyAddressWhenThatOfOldIsRefused() {
        dhcp = new ScriptedDhcp(ScriptedDhcp.previous(ADDRESS)).start();

        dhcp.receive(dhcp.nak(dhcp.next(DhcpOption.REQUEST)));

        assertThat(dhcp.next(DhcpOption.DISCOVER).address(DhcpOption.REQUESTED_ADDRESS))
                .isNull();
    }

    @Test
    void looksForServersWhenNobodyKnowsTheAddressOfOld() {
        dhcp = new ScriptedDhcp(ScriptedDhcp.previous(ADDRESS)).start();
        dhcp.next(DhcpOption.REQUEST);
        assertThat(dhcp.passUntilSent()).isCloseTo(4, within(1.0));
        dhcp.next(DhcpOption.REQUEST);
        assertThat(dhcp.passUntilSent()).isCloseTo(8, within(1.0));

        assertThat(dhcp.next(DhcpOption.DISCOVER).address(DhcpOption.REQUESTED_ADDRESS))
                .as("it still would like it")
                .isEqualTo(ip(ADDRESS));
    }

    // ------------------------------------------------------------------------------------------------ conflicts

    private void checking() {
        dhcp = new ScriptedDhcp(ScriptedDhcp.checking()).start();
        acquire();
    }

    private void acquire() {
        dhcp.receive(dhcp.offer(dhcp.next(DhcpOption.DISCOVER)).lease(3600));
        dhcp.receive(dhcp.ack(dhcp.next(DhcpOption.REQUEST)).lease(3600));
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.CHECKING);
        assertThat(dhcp.events).containsExactly("probe " + ADDRESS);
        dhcp.events.clear();
    }

    @Test
    void takesAnAddressOnceItIsKnownToBeFree() {
        checking();
        dhcp.pass(6);

        dhcp.client.probeFinished(ip("192.0.2.78"), false, dhcp.now);
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.CHECKING);
        dhcp.client.probeFinished(ip(ADDRESS), false, dhcp.now);

        assertThat(dhcp.client.state()).isEqualTo(DhcpState.BOUND);
        assertThat(dhcp.events).containsExactly("bound " + ADDRESS);
        assertThat(dhcp.client.remainingNanos(dhcp.now)).isEqualTo(3594_000_000_000L);
    }

    @Test
    void declinesAnAddressThatIsInUseAndWaitsTenSeconds() {
        checking();
        dhcp.client.probeFinished(ip(ADDRESS), true, dhcp.now);

        ClientMessage decline = dhcp.next(DhcpOption.DECLINE);
        assertThat(decline.destination()).isEqualTo(ALL);
        assertThat(decline.source()).isEqualTo(IpAddress.ANY_V4);
        assertThat(decline.clientAddress()).isEqualTo(IpAddress.ANY_V4);
        assertThat(decline.address(DhcpOption.REQUESTED_ADDRESS)).isEqualTo(ip(ADDRESS));
        assertThat(decline.address(DhcpOption.SERVER_IDENTIFIER)).isEqualTo(ip(SERVER));
        assertThat(decline.options())
                .containsKeys(DhcpOption.CLIENT_IDENTIFIER, DhcpOption.MESSAGE)
                .doesNotContainKey(DhcpOption.PARAMETER_REQUEST_LIST);
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.INIT);
        assertThat(dhcp.passUntilSent()).isEqualTo(10);
        assertThat(dhcp.next(DhcpOption.DISCOVER).address(DhcpOption.REQUESTED_ADDRESS))
                .isNull();
        assertThat(dhcp.events).isEmpty();
    }

    @Test
    void triesOnceAMinuteAfterTenConflicts() {
        checking();
        for (int i = 1; i <= 10; i++) {
            dhcp.client.probeFinished(ip(ADDRESS), true, dhcp.now);
            dhcp.next(DhcpOption.DECLINE);
            assertThat(dhcp.passUntilSent()).isEqualTo(i < 10 ? 10 : 60);
            acquire();
        }
    }

    @Test
    void aLeaseThatEndsWhileItIsCheckedIsNotTaken() {
        dhcp = new ScriptedDhcp(ScriptedDhcp.checking()).start();
        dhcp.receive(dhcp.offer(dhcp.next(DhcpOption.DISCOVER)).lease(3));
        dhcp.receive(dhcp.ack(dhcp.next(DhcpOption.REQUEST)).lease(3));
        assertThat(dhcp.passUntilSent()).isEqualTo(3);

        dhcp.next(DhcpOption.DISCOVER);
        assertThat(dhcp.events).containsExactly("probe " + ADDRESS, "cancel probe " + ADDRESS);
    }

    // ------------------------------------------------------------------------------------------------ what is not for
    // us

    @Test
    void hearsOnlyWhatIsForItself() {
        dhcp.start();
        ClientMessage discover = dhcp.next(DhcpOption.DISCOVER);

        dhcp.receive(new ServerMessage(DhcpOption.OFFER, discover.transactionId() + 1, MAC)
                .your(ADDRESS)
                .server(SERVER)
                .lease(3600));
        dhcp.receive(new ServerMessage(DhcpOption.OFFER, discover.transactionId(), MAC + 1)
                .your(ADDRESS)
                .server(SERVER)
                .lease(3600));
        // RFC 6842.
        dhcp.receive(dhcp.offer(discover).lease(3600).option(DhcpOption.CLIENT_IDENTIFIER, 1, 2, 3));
        // A request, as by another client.
        dhcp.receive(dhcp.offer(discover).lease(3600).at(0, DhcpHeader.BOOT_REQUEST));

        dhcp.nothingSent();
        assertThat(dhcp.counted(DhcpCounter.IN_UNRELATED)).isEqualTo(4);

        dhcp.receive(dhcp.offer(discover)
                .lease(3600)
                .option(DhcpOption.CLIENT_IDENTIFIER, discover.options().get(DhcpOption.CLIENT_IDENTIFIER)));
        dhcp.next(DhcpOption.REQUEST);
    }

    @Test
    void anOfferWithoutWhatItMustHaveIsDropped() {
        dhcp.start();
        ClientMessage discover = dhcp.next(DhcpOption.DISCOVER);

        dhcp.receive(new ServerMessage(DhcpOption.OFFER, discover).your(ADDRESS).server(SERVER));
        dhcp.receive(new ServerMessage(DhcpOption.OFFER, discover).your(ADDRESS).lease(3600));
        dhcp.receive(
                new ServerMessage(DhcpOption.OFFER, discover).server(SERVER).lease(3600));
        dhcp.receive(dhcp.offer(discover).lease(0));
        dhcp.receive(dhcp.offer(discover).your("224.0.0.1").lease(3600));
        dhcp.receive(dhcp.offer(discover).your("127.0.0.1").lease(3600));
        // BOOTP.
        dhcp.receive(new ServerMessage(0, discover).your(ADDRESS));

        dhcp.nothingSent();
        assertThat(dhcp.counted(DhcpCounter.IN_ERRORS)).isEqualTo(7);
        assertThat(dhcp.client.state()).isEqualTo(DhcpState.SELECTING);
    }

    @Test
    void aMessageOutOfTurnIsIgnored() {
        dhcp.start();
        ClientMessage discover = dhcp.next(DhcpOption.DISCOVER);

        dhcp.receive(dhcp.ack(discover).lease(3600));
        dhcp.receive(dhcp.nak(discover));

        dhcp.nothingSent();
        assertThat(dhcp.counted(DhcpCounter.IN_IGNORED)).isEqualTo(2);
        assertThat(dhcp.events).isEmpty();
    }
}
