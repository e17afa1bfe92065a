/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.wire.ArpHeader;
import io.isla.netty.wire.EtherType;
import io.isla.netty.wire.EthernetHeader;
import io.isla.netty.wire.IpAddress;
import io.isla.netty.wire.IpProtocol;
import io.isla.netty.wire.Ipv4Header;
import io.netty.buffer.ByteBuf;
import java.util.function.Consumer;

/** Where a {@link TcpPeer} is on its network: answers ARP, and hands on what is TCP. */
final class PeerNode extends VirtualNode {
    private final IpAddress address;
    private final Consumer<ByteBuf> receiver;

    /**
     * A node for a peer.
     *
     * @param receiver called with each frame that holds TCP over IPv4; it keeps none
     */
    PeerNode(VirtualNetwork network, String name, IpAddress address, Consumer<ByteBuf> receiver) {
        super(network, name);
        this.address = address;
        this.receiver = receiver;
    }

    IpAddress address() {
        return address;
    }

    @Override
    void receive(Port port, ByteBuf frame) {
        try {
            int at = Packet.network(frame);
            if (Packet.isArp(frame)) {
                if (ArpHeader.operation(frame, at) == ArpHeader.REQUEST
                        && ArpHeader.targetProtocolAddress(frame, at) == address.v4Bits()) {
                    answer(port, frame, at);
                }
            } else if (Packet.isV4(frame)
                    && Ipv4Header.protocol(frame, at) == IpProtocol.TCP
                    && Ipv4Header.destination(frame, at) == address.v4Bits()) {
                receiver.accept(frame);
            }
        } finally {
            frame.release();
        }
    }

    private void answer(Port port, ByteBuf request, int at) {
        int length = EthernetHeader.LENGTH + ArpHeader.LENGTH;
        ByteBuf reply = network.allocator().heapBuffer(length, length).writeZero(length);
        long asker = ArpHeader.senderHardwareAddress(request, at);
        EthernetHeader.write(reply, 0, asker, port.mac(), EtherType.ARP);
        ArpHeader.write(
                reply,
                EthernetHeader.LENGTH,
                ArpHeader.REPLY,
                port.mac(),
                address.v4Bits(),
                asker,
                ArpHeader.senderProtocolAddress(request, at));
        port.send(reply);
    }
}
