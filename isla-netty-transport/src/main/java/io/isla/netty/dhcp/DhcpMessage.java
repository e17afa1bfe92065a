/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

import io.isla.netty.wire.DhcpHeader;
import io.isla.netty.wire.DhcpOption;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;

/**
 * A message that has arrived: its options, put together from wherever they are in it. A value that is split among several options of its code is
 * joined (RFC 3396 §5), first those in the options field, then those in the file field, then those in the server name field (RFC 2132 §9.3).
 */
final class DhcpMessage {
    private static final int FILE_HAS_OPTIONS = 1;
    private static final int SERVER_NAME_HAS_OPTIONS = 2;
    private static final int CODES = 256;

    private final int operation;
    private final int transactionId;
    private final long hardwareAddress;
    private final IpAddress yourAddress;
    private final byte[][] values = new byte[CODES][];

    private DhcpMessage(ByteBuf buf, int offset) {
        operation = DhcpHeader.operation(buf, offset);
        transactionId = DhcpHeader.transactionId(buf, offset);
        hardwareAddress = DhcpHeader.hardwareAddress(buf, offset);
        yourAddress = IpAddress.v4(DhcpHeader.yourAddress(buf, offset));
    }

    /**
     * Reads a message.
     *
     * @return {@code null} if it is malformed
     */
    static DhcpMessage read(ByteBuf buf, int offset, int length) {
        if (!DhcpHeader.isValid(buf, offset, length)) {
            return null;
        }
        int options = offset + DhcpHeader.LENGTH;
        int optionsEnd = offset + length;
        if (!DhcpOption.areValid(buf, options, optionsEnd)) {
            return null;
        }
        int overload = overload(buf, options, optionsEnd);
        int file = offset + DhcpHeader.FILE;
        int fileEnd = file + ((overload & FILE_HAS_OPTIONS) != 0 ? DhcpHeader.FILE_LENGTH : 0);
        int serverName = offset + DhcpHeader.SERVER_NAME;
        int serverNameEnd =
                serverName + ((overload & SERVER_NAME_HAS_OPTIONS) != 0 ? DhcpHeader.SERVER_NAME_LENGTH : 0);
        if (!DhcpOption.areValid(buf, file, fileEnd) || !DhcpOption.areValid(buf, serverName, serverNameEnd)) {
            return null;
        }
        // First how long the values are, then the values: a message of many small options costs no more than any.
        int[] lengths = new int[CODES];
        measure(buf, options, optionsEnd, lengths);
        measure(buf, file, fileEnd, lengths);
        measure(buf, serverName, serverNameEnd, lengths);
        DhcpMessage message = new DhcpMessage(buf, offset);
        ByteBuffer[] joined = new ByteBuffer[CODES];
        message.collect(buf, options, optionsEnd, lengths, joined);
        message.collect(buf, file, fileEnd, lengths, joined);
        message.collect(buf, serverName, serverNameEnd, lengths, joined);
        return message;
    }

    private static int overload(ByteBuf buf, int from, int end) {
        for (int at = from; at < end && DhcpOption.code(buf, at) != DhcpOption.END; at += DhcpOption.length(buf, at)) {
            if (DhcpOption.code(buf, at) == DhcpOption.OVERLOAD && DhcpOption.valueLength(buf, at) == 1) {
                return buf.getByte(at + DhcpOption.HEADER_LENGTH);
            }
        }
        return 0;
    }

    private static void measure(ByteBuf buf, int from, int end, int[] lengths) {
        for (int at = from; at < end && DhcpOption.code(buf, at) != DhcpOption.END; at += DhcpOption.length(buf, at)) {
            lengths[DhcpOption.code(buf, at)] += DhcpOption.valueLength(buf, at);
        }
    }

    private void collect(ByteBuf buf, int from, int end, int[] lengths, ByteBuffer[] joined) {
        for (int at = from; at < end && DhcpOption.code(buf, at) != DhcpOption.END; at += DhcpOption.length(buf, at)) {
            int code = DhcpOption.code(buf, at);
            if (joined[code] == null) {
                values[code] = new byte[lengths[code]];
                joined[code] = ByteBuffer.wrap(values[code]);
            }
            ByteBuffer value = joined[code];
            int length = DhcpOption.valueLength(buf, at);
            buf.getBytes(at + DhcpOption.HEADER_LENGTH, value.array(), value.position(), length);
            value.position(value.position() + length);
        }
    }

    int operation() {
        return operation;
    }

    int transactionId() {
        return transactionId;
    }

    long hardwareAddress() {
        return hardwareAddress;
    }

    /** The address that the server gives. */
    IpAddress yourAddress() {
        return yourAddress;
    }

    /** The value of an option, not to be changed; {@code null} if it is absent. */
    byte[] option(int code) {
        return values[code];
    }

    /** What kind of message it is; 0 if it does not say, as BOOTP does not. */
    int type() {
        byte[] value = values[DhcpOption.MESSAGE_TYPE];
        return value != null && value.length == 1 ? value[0] & 0xff : 0;
    }

    /** The address in an option; {@code null} if it is absent or not one address of a host. */
    IpAddress address(int code) {
        byte[] value = values[code];
        if (value == null || value.length != 4) {
            return null;
        }
        IpAddress address = IpAddress.v4(ByteBuffer.wrap(value).getInt());
        return DhcpLease.isHost(address) ? address : null;
    }

    /** The number of 32 bits in an option; -1 if it is absent or of another length. */
    long number(int code) {
        byte[] value = values[code];
        return value != null && value.length == 4 ? ByteBuffer.wrap(value).getInt() & 0xffff_ffffL : -1;
    }
}
