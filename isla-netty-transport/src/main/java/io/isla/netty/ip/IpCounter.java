/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

/**
 * What the network layer counts on one shard. The text of a constant is the name that Linux gives the counter in
 * {@code /proc/net/snmp}, {@code snmp6}, {@code netstat} or {@code /proc/net/stat/arp_cache}; where Linux has none, one in the same manner.
 *
 * <p>A packet that is dropped counts once under the reason ({@link #isDrop()}), and often once more under the sum that Linux keeps.
 */
public enum IpCounter {
    // Ethernet.
    /** Frames too short for an Ethernet header. */
    ETH_IN_TRUNCATED("EthInTruncated", true),
    /** Frames to another station, or to a group that is none of IP's. */
    ETH_IN_NOT_FOR_US("EthInNotForUs", true),
    /** Frames from a group address, or from our own. */
    ETH_IN_BAD_SOURCE("EthInBadSource", true),
    /** Frames of a protocol other than IP and ARP. */
    ETH_IN_UNKNOWN_TYPE("EthInUnknownType", true),
    /** Packets on a link without Ethernet that are neither IPv4 nor IPv6. */
    LINK_IN_UNKNOWN_VERSION("LinkInUnknownVersion", true),

    // ARP.
    /** ARP requests received. */
    ARP_IN_REQUESTS("ArpInRequests"),
    /** ARP replies received. */
    ARP_IN_REPLIES("ArpInReplies"),
    /** ARP packets that are malformed or of another kind than Ethernet and IPv4. */
    ARP_IN_ERRORS("ArpInErrors", true),
    /** ARP requests sent, probes and announcements included. */
    ARP_OUT_REQUESTS("ArpOutRequests"),
    /** ARP replies sent. */
    ARP_OUT_REPLIES("ArpOutReplies"),
    /** Times that another station claimed an address of ours (RFC 5227, RFC 4862). */
    ADDRESS_CONFLICTS("AddressConflicts"),

    // The neighbour cache.
    /** Neighbours that did not answer. */
    NEIGHBOR_RESOLUTION_FAILED("NeighResFailed"),
    /** Packets dropped because their neighbour did not answer, or because too many waited for it. */
    NEIGHBOR_UNRESOLVED_DISCARDS("NeighUnresolvedDiscards", true),
    /** Entries put out of a full cache. */
    NEIGHBOR_EVICTIONS("NeighEvictions"),

    // IPv4.
    /** IPv4 packets received. */
    IP_IN_RECEIVES("IpInReceives"),
    /** IPv4 packets with a malformed header: the sum of the reasons that follow. */
    IP_IN_HDR_ERRORS("IpInHdrErrors"),
    /** IPv4 packets dropped for their destination or source address: the sum of the reasons that follow. */
    IP_IN_ADDR_ERRORS("IpInAddrErrors"),
    /** IPv4 packets for a protocol that nobody speaks here. */
    IP_IN_UNKNOWN_PROTOS("IpInUnknownProtos", true),
    /** IPv4 packets dropped for want of room. */
    IP_IN_DISCARDS("IpInDiscards", true),
    /** IPv4 packets delivered to a protocol. */
    IP_IN_DELIVERS("IpInDelivers"),
    /** IPv4 packets that protocols asked to send. */
    IP_OUT_REQUESTS("IpOutRequests"),
    /** IPv4 packets that could not be sent, other than for want of a route. */
    IP_OUT_DISCARDS("IpOutDiscards", true),
    /** IPv4 packets for which there was no route. */
    IP_OUT_NO_ROUTES("IpOutNoRoutes", true),
    /** Reassemblies given up for time. */
    IP_REASM_TIMEOUT("IpReasmTimeout"),
    /** Fragments received. */
    IP_REASM_REQDS("IpReasmReqds"),
    /** Packets put together again. */
    IP_REASM_OKS("IpReasmOKs"),
    /** Reassemblies that failed for whatever reason. */
    IP_REASM_FAILS("IpReasmFails"),
    /** Packets split on their way out. */
    IP_FRAG_OKS("IpFragOKs"),
    /** Packets that needed to be split and must not be. */
    IP_FRAG_FAILS("IpFragFails", true),
    /** Fragments made. */
    IP_FRAG_CREATES("IpFragCreates"),
    /** IPv4 packets shorter than they say. */
    IP_IN_TRUNCATED("IpExtInTruncatedPkts", true),
    /** IPv4 packets whose header checksum is wrong. */
    IP_IN_CSUM_ERRORS("IpExtInCsumErrors", true),
    /** IPv4 packets of an impossible version or header length. */
    IP_IN_BAD_HEADER("IpInBadHeader", true),
    /** IPv4 packets whose options make no sense. */
    IP_IN_BAD_OPTIONS("IpInBadOptions", true),
    /** IPv4 packets with a source route (refused, as RFC 7126 advises). */
    IP_IN_SOURCE_ROUTED("IpInSourceRouted", true),
    /** IPv4 packets whose source no host can have there (RFC 1122 §3.2.1.3). */
    IP_IN_MARTIAN_SOURCE("IpInMartianSource", true),
    /** IPv4 packets to an address that is none of ours. */
    IP_IN_NOT_FOR_US("IpInNotForUs", true),
    /** IPv4 packets to one host in a frame to many (RFC 1122 §3.3.6). */
    IP_IN_UNICAST_IN_LINK_BROADCAST("IpInUnicastInLinkBroadcast", true),
    /** Fragments of impossible offset or length, or that overlap others. */
    IP_REASM_BAD_FRAGMENT("IpReasmBadFragment", true),
    /** Fragments dropped since too much memory holds others. */
    IP_REASM_NO_ROOM("IpReasmNoRoom", true),
    /** IPv4 multicast packets received. */
    IP_IN_MCAST_PKTS("IpExtInMcastPkts"),
    /** IPv4 multicast packets sent. */
    IP_OUT_MCAST_PKTS("IpExtOutMcastPkts"),
    /** IPv4 broadcast packets received. */
    IP_IN_BCAST_PKTS("IpExtInBcastPkts"),
    /** IPv4 broadcast packets sent. */
    IP_OUT_BCAST_PKTS("IpExtOutBcastPkts"),

    // ICMP.
    /** ICMP messages received. */
    ICMP_IN_MSGS("IcmpInMsgs"),
    /** ICMP messages that are malformed or of no known type. */
    ICMP_IN_ERRORS("IcmpInErrors", true),
    /** ICMP messages whose checksum is wrong. */
    ICMP_IN_CSUM_ERRORS("IcmpInCsumErrors", true),
    /** ICMP errors about a packet that is none of ours. */
    ICMP_IN_UNRELATED("IcmpInUnrelated", true),
    /** Messages that ask for what this host does not do: timestamps, address masks, echo to a group. */
    ICMP_IN_IGNORED("IcmpInIgnored", true),
    /** Destination unreachable, received. */
    ICMP_IN_DEST_UNREACHS("IcmpInDestUnreachs"),
    /** Time exceeded, received. */
    ICMP_IN_TIME_EXCDS("IcmpInTimeExcds"),
    /** Parameter problem, received. */
    ICMP_IN_PARM_PROBS("IcmpInParmProbs"),
    /** Source quench, received and ignored (RFC 6633). */
    ICMP_IN_SRC_QUENCHS("IcmpInSrcQuenchs"),
    /** Redirects received. */
    ICMP_IN_REDIRECTS("IcmpInRedirects"),
    /** Echo requests received. */
    ICMP_IN_ECHOS("IcmpInEchos"),
    /** Echo replies received. */
    ICMP_IN_ECHO_REPS("IcmpInEchoReps"),
    /** ICMP messages sent. */
    ICMP_OUT_MSGS("IcmpOutMsgs"),
    /** ICMP messages that could not be sent. */
    ICMP_OUT_ERRORS("IcmpOutErrors", true),
    /** ICMP errors not sent for the sake of the overall rate. */
    ICMP_OUT_RATE_LIMIT_GLOBAL("IcmpOutRateLimitGlobal"),
    /** ICMP errors not sent for the sake of the rate to one host. */
    ICMP_OUT_RATE_LIMIT_HOST("IcmpOutRateLimitHost"),
    /** Destination unreachable, sent. */
    ICMP_OUT_DEST_UNREACHS("IcmpOutDestUnreachs"),
    /** Time exceeded, sent. */
    ICMP_OUT_TIME_EXCDS("IcmpOutTimeExcds"),
    /** Parameter problem, sent. */
    ICMP_OUT_PARM_PROBS("IcmpOutParmProbs"),
    /** Echo requests sent. */
    ICMP_OUT_ECHOS("IcmpOutEchos"),
    /** Echo replies sent. */
    ICMP_OUT_ECHO_REPS("IcmpOutEchoReps"),

    // IGMP.
    /** IGMP messages received. */
    IGMP_IN_MSGS("IgmpInMsgs"),
    /** IGMP messages that are malformed or of no known type. */
    IGMP_IN_ERRORS("IgmpInErrors", true),
    /** IGMP messages sent. */
    IGMP_OUT_MSGS("IgmpOutMsgs"),

    // Path MTU.
    /** Times that a path MTU was lowered. */
    PATH_MTU_UPDATES("PathMtuUpdates"),

    // IPv6.
    /** IPv6 packets received. */
    IP6_IN_RECEIVES("Ip6InReceives"),
    /** IPv6 packets with malformed headers: the sum of the reasons that follow. */
    IP6_IN_HDR_ERRORS("Ip6InHdrErrors"),
    /** IPv6 packets dropped for their destination or source address: the sum of the reasons that follow. */
    IP6_IN_ADDR_ERRORS("Ip6InAddrErrors"),
    /** IPv6 packets for a protocol that nobody speaks here. */
    IP6_IN_UNKNOWN_PROTOS("Ip6InUnknownProtos", true),
    /** IPv6 packets shorter than they say. */
    IP6_IN_TRUNCATED("Ip6InTruncatedPkts", true),
    /** IPv6 packets delivered to a protocol. */
    IP6_IN_DELIVERS("Ip6InDelivers"),
    /** IPv6 packets that protocols asked to send. */
    IP6_OUT_REQUESTS("Ip6OutRequests"),
    /** IPv6 packets that could not be sent, other than for want of a route. */
    IP6_OUT_DISCARDS("Ip6OutDiscards", true),
    /** IPv6 packets for which there was no route. */
    IP6_OUT_NO_ROUTES("Ip6OutNoRoutes", true),
    /** Reassemblies given up for time. */
    IP6_REASM_TIMEOUT("Ip6ReasmTimeout"),
    /** Fragments received. */
    IP6_REASM_REQDS("Ip6ReasmReqds"),
    /** Packets put together again. */
    IP6_REASM_OKS("Ip6ReasmOKs"),
    /** Reassemblies that failed for whatever reason. */
    IP6_REASM_FAILS("Ip6ReasmFails"),
    /** Packets split on their way out. */
    IP6_FRAG_OKS("Ip6FragOKs"),
    /** Packets that needed to be split and must not be. */
    IP6_FRAG_FAILS("Ip6FragFails", true),
    /** Fragments made. */
    IP6_FRAG_CREATES("Ip6FragCreates"),
    /** IPv6 packets of another version. */
    IP6_IN_BAD_HEADER("Ip6InBadHeader", true),
    /** IPv6 packets whose extension headers are malformed, out of place or too many (RFC 8504 §5.3). */
    IP6_IN_BAD_EXTENSION("Ip6InBadExtension", true),
    /** IPv6 packets with an option that makes them void for those who do not know it (RFC 8200 §4.2). */
    IP6_IN_UNKNOWN_OPTION("Ip6InUnknownOption", true),
    /** IPv6 packets with a Routing header that asks for more than to be ignored (RFC 5095). */
    IP6_IN_SOURCE_ROUTED("Ip6InSourceRouted", true),
    /** IPv6 packets without a payload for anyone. */
    IP6_IN_NO_NEXT_HEADER("Ip6InNoNextHeader", true),
    /** IPv6 packets whose source no host can have there. */
    IP6_IN_MARTIAN_SOURCE("Ip6InMartianSource", true),
    /** IPv6 packets to an address that is none of ours. */
    IP6_IN_NOT_FOR_US("Ip6InNotForUs", true),
    /** Fragments of impossible offset or length, or that overlap others. */
    IP6_REASM_BAD_FRAGMENT("Ip6ReasmBadFragment", true),
    /** Fragments dropped since too much memory holds others. */
    IP6_REASM_NO_ROOM("Ip6ReasmNoRoom", true),
    /** IPv6 multicast packets received. */
    IP6_IN_MCAST_PKTS("Ip6InMcastPkts"),
    /** IPv6 multicast packets sent. */
    IP6_OUT_MCAST_PKTS("Ip6OutMcastPkts"),

    // ICMPv6.
    /** ICMPv6 messages received. */
    ICMP6_IN_MSGS("Icmp6InMsgs"),
    /** ICMPv6 messages that are malformed or of no known type. */
    ICMP6_IN_ERRORS("Icmp6InErrors", true),
    /** ICMPv6 messages whose checksum is wrong. */
    ICMP6_IN_CSUM_ERRORS("Icmp6InCsumErrors", true),
    /** ICMPv6 errors about a packet that is none of ours, and replies to nobody. */
    ICMP6_IN_UNRELATED("Icmp6InUnrelated", true),
    /** ICMPv6 messages that a host has no use for. */
    ICMP6_IN_IGNORED("Icmp6InIgnored", true),
    /** Messages of neighbour discovery that break its rules, such as that of the hop limit (RFC 4861 §6.1, §7.1, §8.1; RFC 6980). */
    ICMP6_IN_BAD_DISCOVERY("Icmp6InBadDiscovery", true),
    /** Destination unreachable, received. */
    ICMP6_IN_DEST_UNREACHS("Icmp6InDestUnreachs"),
    /** Packet too big, received. */
    ICMP6_IN_PKT_TOO_BIGS("Icmp6InPktTooBigs"),
    /** Time exceeded, received. */
    ICMP6_IN_TIME_EXCDS("Icmp6InTimeExcds"),
    /** Parameter problem, received. */
    ICMP6_IN_PARM_PROBLEMS("Icmp6InParmProblems"),
    /** Echo requests received. */
    ICMP6_IN_ECHOS("Icmp6InEchos"),
    /** Echo replies received. */
    ICMP6_IN_ECHO_REPLIES("Icmp6InEchoReplies"),
    /** Router advertisements received. */
    ICMP6_IN_ROUTER_ADVERTISEMENTS("Icmp6InRouterAdvertisements"),
    /** Neighbour solicitations received. */
    ICMP6_IN_NEIGHBOR_SOLICITS("Icmp6InNeighborSolicits"),
    /** Neighbour advertisements received. */
    ICMP6_IN_NEIGHBOR_ADVERTISEMENTS("Icmp6InNeighborAdvertisements"),
    /** Redirects received. */
    ICMP6_IN_REDIRECTS("Icmp6InRedirects"),
    /** Multicast listener queries received. */
    ICMP6_IN_GROUP_MEMB_QUERIES("Icmp6InGroupMembQueries"),
    /** ICMPv6 messages sent. */
    ICMP6_OUT_MSGS("Icmp6OutMsgs"),
    /** ICMPv6 messages that could not be sent. */
    ICMP6_OUT_ERRORS("Icmp6OutErrors", true),
    /** Destination unreachable, sent. */
    ICMP6_OUT_DEST_UNREACHS("Icmp6OutDestUnreachs"),
    /** Time exceeded, sent. */
    ICMP6_OUT_TIME_EXCDS("Icmp6OutTimeExcds"),
    /** Parameter problem, sent. */
    ICMP6_OUT_PARM_PROBLEMS("Icmp6OutParmProblems"),
    /** Echo requests sent. */
    ICMP6_OUT_ECHOS("Icmp6OutEchos"),
    /** Echo replies sent. */
    ICMP6_OUT_ECHO_REPLIES("Icmp6OutEchoReplies"),
    /** Multicast listener reports and leaves sent, of either version. */
    ICMP6_OUT_MLD_REPORTS("Icmp6OutMLDReports"),
    /** Router solicitations sent. */
    ICMP6_OUT_ROUTER_SOLICITS("Icmp6OutRouterSolicits"),
    /** Neighbour solicitations sent. */
    ICMP6_OUT_NEIGHBOR_SOLICITS("Icmp6OutNeighborSolicits"),
    /** Neighbour advertisements sent. */
    ICMP6_OUT_NEIGHBOR_ADVERTISEMENTS("Icmp6OutNeighborAdvertisements");

    private final String text;
    private final boolean drop;

    IpCounter(String text) {
        this(text, false);
    }

    IpCounter(String text, boolean drop) {
        this.text = text;
        this.drop = drop;
    }

    /** Whether this counts packets that were dropped, by reason. */
    public boolean isDrop() {
        return drop;
    }

    @Override
    public String toString() {
        return text;
    }
}
