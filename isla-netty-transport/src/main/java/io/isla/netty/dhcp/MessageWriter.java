/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

import io.isla.netty.wire.DhcpHeader;
import io.isla.netty.wire.DhcpOption;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;

/** Writes the messages of a client: what each of them has is in table 5 of RFC 2131 §4.4.1. Each is good until the next is written. */
final class MessageWriter {
    /** Everything that a client ever says, at its longest, fits in what every server takes. */
    private static final int CAPACITY = 1024;

    private static final byte[] IN_USE = "in use by another station".getBytes(StandardCharsets.US_ASCII);

    private final DhcpParameters parameters;
    /** On the heap and in nobody's pool: there is nothing to release. */
    private final ByteBuf buf = Unpooled.buffer(CAPACITY, CAPACITY);

    MessageWriter(DhcpParameters parameters) {
        this.parameters = parameters;
    }

    /** DHCPDISCOVER, with the address that the client would like; {@code null} for any. */
    ByteBuf discover(int transactionId, int seconds, boolean broadcast, IpAddress wanted) {
        begin(DhcpOption.DISCOVER, transactionId, seconds, broadcast, null);
        address(DhcpOption.REQUESTED_ADDRESS, wanted);
        parameters();
        return end();
    }

    /** DHCPREQUEST for an address that a server has offered; or, without a server, for one of old. */
    ByteBuf request(int transactionId, int seconds, boolean broadcast, IpAddress wanted, IpAddress server) {
        begin(DhcpOption.REQUEST, transactionId, seconds, broadcast, null);
        address(DhcpOption.REQUESTED_ADDRESS, wanted);
        address(DhcpOption.SERVER_IDENTIFIER, server);
        parameters();
        return end();
    }

    /** DHCPREQUEST for more time with the address that the client has. */
    ByteBuf renewal(int transactionId, int seconds, IpAddress own) {
        begin(DhcpOption.REQUEST, transactionId, seconds, false, own);
        parameters();
        return end();
    }

    /** DHCPDECLINE. */
    ByteBuf decline(int transactionId, IpAddress declined, IpAddress server) {
        begin(DhcpOption.DECLINE, transactionId, 0, false, null);
        address(DhcpOption.REQUESTED_ADDRESS, declined);
        address(DhcpOption.SERVER_IDENTIFIER, server);
        // For whoever reads the server's log.
        option(DhcpOption.MESSAGE, IN_USE.length).writeBytes(IN_USE);
        return end();
    }

    /** DHCPRELEASE. */
    ByteBuf release(int transactionId, IpAddress own, IpAddress server) {
        begin(DhcpOption.RELEASE, transactionId, 0, false, own);
        address(DhcpOption.SERVER_IDENTIFIER, server);
        return end();
    }

    private void begin(int type, int transactionId, int seconds, boolean broadcast, IpAddress clientAddress) {
        buf.clear();
        DhcpHeader.write(
                buf,
                0,
                DhcpHeader.BOOT_REQUEST,
                transactionId,
                seconds,
                broadcast ? DhcpHeader.BROADCAST : 0,
                clientAddress == null ? 0 : clientAddress.v4Bits(),
                0,
                parameters.hardwareAddress());
        buf.writerIndex(DhcpHeader.LENGTH);
        option(DhcpOption.MESSAGE_TYPE, 1).writeByte(type);
        byte[] id = parameters.clientId();
        option(DhcpOption.CLIENT_IDENTIFIER, id.length).writeBytes(id);
    }

    private void address(int code, IpAddress address) {
        if (address != null) {
            option(code, 4).writeInt(address.v4Bits());
        }
    }

    /** What a client wants to know, and says of itself, when it asks for an address or for more time. */
    private void parameters() {
        option(DhcpOption.MAX_MESSAGE_SIZE, 2).writeShort(parameters.mtu());
        option(DhcpOption.PARAMETER_REQUEST_LIST, LeaseReader.REQUESTED.length).writeBytes(LeaseReader.REQUESTED);
        if (parameters.hostName() != null) {
            byte[] name = parameters.hostName().getBytes(StandardCharsets.US_ASCII);
            option(DhcpOption.HOST_NAME, name.length).writeBytes(name);
        }
    }

    private ByteBuf end() {
        buf.writeByte(DhcpOption.END);
        int missing = DhcpHeader.MIN_MESSAGE_LENGTH - buf.writerIndex();
        if (missing > 0) {
            buf.writeZero(missing);
        }
        return buf;
    }

    private ByteBuf option(int code, int length) {
        return buf.writeByte(code).writeByte(length);
    }
}
