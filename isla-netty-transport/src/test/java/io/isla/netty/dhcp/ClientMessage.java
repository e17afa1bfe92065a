/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

import io.isla.netty.wire.DhcpHeader;
import io.isla.netty.wire.DhcpOption;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.util.HashMap;
import java.util.Map;

/** A message that the client has sent, as a server reads it. */
public record ClientMessage(
        long at,
        IpAddress source,
        IpAddress destination,
        int bytes,
        int operation,
        int transactionId,
        int seconds,
        boolean broadcast,
        IpAddress clientAddress,
        long hardwareAddress,
        Map<Integer, byte[]> options) {

    public static ClientMessage of(ByteBuf buf, IpAddress source, IpAddress destination, long now) {
        if (!DhcpHeader.isValid(buf, buf.readerIndex(), buf.readableBytes())) {
            throw new AssertionError("not a DHCP message: " + ByteBufUtil.hexDump(buf));
        }
        int start = buf.readerIndex();
        Map<Integer, byte[]> options = new HashMap<>();
        int at = start + DhcpHeader.LENGTH;
        while (buf.getUnsignedByte(at) != DhcpOption.END) {
            int code = buf.getUnsignedByte(at);
            byte[] value = new byte[buf.getUnsignedByte(at + 1)];
            buf.getBytes(at + 2, value);
            if (options.put(code, value) != null) {
                throw new AssertionError("option " + code + " is there twice");
            }
            at += 2 + value.length;
        }
        return new ClientMessage(
                now,
                source,
                destination,
                buf.readableBytes(),
                DhcpHeader.operation(buf, start),
                DhcpHeader.transactionId(buf, start),
                DhcpHeader.seconds(buf, start),
                DhcpHeader.flags(buf, start) == DhcpHeader.BROADCAST,
                IpAddress.v4(DhcpHeader.clientAddress(buf, start)),
                DhcpHeader.hardwareAddress(buf, start),
                options);
    }

    public int type() {
        return options.get(DhcpOption.MESSAGE_TYPE)[0];
    }

    /** An option that holds an address; {@code null} if it is absent. */
    public IpAddress address(int code) {
        byte[] value = options.get(code);
        return value == null
                ? null
                : IpAddress.v4(
                        (value[0] & 0xff) << 24 | (value[1] & 0xff) << 16 | (value[2] & 0xff) << 8 | value[3] & 0xff);
    }
}
