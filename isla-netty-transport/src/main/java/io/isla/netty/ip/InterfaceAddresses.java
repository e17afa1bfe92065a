/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.ip;

import io.isla.netty.wire.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The unicast and broadcast addresses of one shard's interface: single ones, found by hash, and blocks. Changed through {@link IpStack}
 * on the shard's thread.
 */
public final class InterfaceAddresses {
    private static final int LIMITED_BROADCAST = -1;

    private final List<InterfaceAddress> list = new ArrayList<>();
    private final List<AddressBlock> blocks = new ArrayList<>();
    /** Open addressing with linear probing; at most half full. */
    private InterfaceAddress[] table = new InterfaceAddress[8];

    private int[] broadcasts = {};

    InterfaceAddresses() {}

    /** The single addresses, in the order in which they were added. */
    public List<InterfaceAddress> list() {
        return List.copyOf(list);
    }

    /** The blocks. */
    public List<AddressBlock> blocks() {
        return List.copyOf(blocks);
    }

    /** How many single addresses there are. */
    int size() {
        return list.size();
    }

    InterfaceAddress get(int index) {
        return list.get(index);
    }

    /** The entry of a single address, or {@code null}. */
    InterfaceAddress find(long high, long low) {
        int mask = table.length - 1;
        for (int i = hash(high, low) & mask; table[i] != null; i = i + 1 & mask) {
            if (table[i].address().is(high, low)) {
                return table[i];
            }
        }
        return null;
    }

    /** Whether an address is this host's own; loopback addresses are not considered here. */
    boolean isOwn(long high, long low) {
        return find(high, low) != null || !blocks.isEmpty() && isInBlock(high, low, false);
    }

    /** Whether packets to an address are accepted, and it may be a source: own or intercepted. */
    boolean isAccepted(long high, long low) {
        return find(high, low) != null || !blocks.isEmpty() && isInBlock(high, low, true);
    }

    /** Whether an IPv4 address is 255.255.255.255 or the broadcast address of a subnet of ours, in today's form or with zeros. */
    boolean isBroadcast(int address) {
        if (address == LIMITED_BROADCAST) {
            return true;
        }
        for (int broadcast : broadcasts) {
            if (broadcast == address) {
                return true;
            }
        }
        return false;
    }

    boolean add(InterfaceAddress address) {
        if (find(address.address().high(), address.address().low()) != null) {
            return false;
        }
        list.add(address);
        if (list.size() * 2 > table.length) {
            rebuild();
        } else {
            insert(address);
        }
        collectBroadcasts();
        return true;
    }

    InterfaceAddress remove(IpAddress address) {
        InterfaceAddress entry = find(address.high(), address.low());
        if (entry != null) {
            list.remove(entry);
            rebuild();
            collectBroadcasts();
        }
        return entry;
    }

    boolean addBlock(AddressBlock block) {
        return !blocks.contains(block) && blocks.add(block);
    }

    boolean removeBlock(AddressBlock block) {
        return blocks.remove(block);
    }

    private boolean isInBlock(long high, long low, boolean intercepted) {
        if (IpAddress.isMulticast(high, low)
                || IpAddress.isUnspecified(high, low)
                || IpAddress.isV4(high, low) && isBroadcast((int) low)) {
            return false;
        }
        for (int i = 0; i < blocks.size(); i++) {
            AddressBlock block = blocks.get(i);
            if ((intercepted || block.kind() == AddressBlock.Kind.OWN) && block.contains(high, low)) {
                return true;
            }
        }
        return false;
    }

    /** Whether an address in an IPv6 block of ours may end in the 24 bits that a solicited-node group ends in. */
    boolean hasBlockForSolicitedNode(long groupLow) {
        for (int i = 0; i < blocks.size(); i++) {
            AddressBlock block = blocks.get(i);
            if (block.kind() == AddressBlock.Kind.OWN && !block.prefix().isV4()) {
                // Of the last 24 bits, those that belong to the prefix must be the same.
                long mask = Prefixes.lowMask(block.prefixLength()) & 0xff_ffffL;
                if (((block.prefix().low() ^ groupLow) & mask) == 0) {
                    return true;
                }
            }
        }
        return false;
    }

    private void rebuild() {
        int capacity = 8;
        while (capacity < list.size() * 4) {
            capacity *= 2;
        }
        table = new InterfaceAddress[capacity];
        for (InterfaceAddress address : list) {
            insert(address);
        }
    }

    private void insert(InterfaceAddress address) {
        int mask = table.length - 1;
        int i = hash(address.address().high(), address.address().low()) & mask;
        while (table[i] != null) {
            i = i + 1 & mask;
        }
        table[i] = address;
    }

    private void collectBroadcasts() {
        // RFC 1122 §3.3.6: the forms with all ones and, SHOULD, with all zeros; RFC 3021: none on a /31.
        broadcasts = list.stream()
                .filter(entry -> entry.address().isV4() && entry.prefixLength() <= 30 && entry.prefixLength() > 0)
                .flatMapToInt(entry -> {
                    int host = -1 >>> entry.prefixLength();
                    int bits = entry.address().v4Bits();
                    return IntStream.of(bits | host, bits & ~host);
                })
                .distinct()
                .toArray();
    }

    private static int hash(long high, long low) {
        long mixed = (high * 31 + low) * 0x9e37_79b9_7f4a_7c15L;
        return (int) (mixed >>> 32);
    }
}
