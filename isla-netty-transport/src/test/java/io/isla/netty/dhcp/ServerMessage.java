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
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;

/** A message of a scripted server. */
public final class ServerMessage {
    private final ByteBuf buf = Unpooled.buffer(2048);

    public ServerMessage(int type, ClientMessage inAnswerTo) {
        this(type, inAnswerTo.transactionId(), inAnswerTo.hardwareAddress());
    }

    public ServerMessage(int type, int transactionId, long hardwareAddress) {
        DhcpHeader.write(buf, 0, DhcpHeader.BOOT_REPLY, transactionId, 0, 0, 0, 0, hardwareAddress);
        buf.writerIndex(DhcpHeader.LENGTH);
        if (type != 0) {
            option(DhcpOption.MESSAGE_TYPE, type);
        }
    }

    public static IpAddress ip(String text) {
        try {
            return IpAddress.of(InetAddress.getByName(text));
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(text, e);
        }
    }

    /** yiaddr. */
    public ServerMessage your(String address) {
        buf.setInt(16, ip(address).v4Bits());
        return this;
    }

    public ServerMessage option(int code, int... octets) {
        buf.writeByte(code).writeByte(octets.length);
        for (int octet : octets) {
            buf.writeByte(octet);
        }
        return this;
    }

    public ServerMessage option(int code, byte[] value) {
        buf.writeByte(code).writeByte(value.length).writeBytes(value);
        return this;
    }

    public ServerMessage addresses(int code, String... addresses) {
        buf.writeByte(code).writeByte(4 * addresses.length);
        for (String address : addresses) {
            buf.writeInt(ip(address).v4Bits());
        }
        return this;
    }

    public ServerMessage seconds(int code, long seconds) {
        return option(code, ByteBuffer.allocate(4).putInt((int) seconds).array());
    }

    /** Writes bytes anywhere in the fixed part, such as options in the fields for names. */
    public ServerMessage at(int offset, int... octets) {
        for (int i = 0; i < octets.length; i++) {
            buf.setByte(offset + i, octets[i]);
        }
        return this;
    }

    public ServerMessage server(String address) {
        return addresses(DhcpOption.SERVER_IDENTIFIER, address);
    }

    public ServerMessage lease(long seconds) {
        return seconds(DhcpOption.LEASE_TIME, seconds);
    }

    /** The bytes, without the last option. */
    public ByteBuf unended() {
        return buf;
    }

    public ByteBuf end() {
        return buf.writeByte(DhcpOption.END);
    }
}
