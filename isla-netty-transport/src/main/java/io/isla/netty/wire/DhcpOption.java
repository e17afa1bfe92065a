/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.wire;

import io.netty.buffer.ByteBuf;

/**
 * An option of a DHCP message (RFC 2132 §2): a code, the length of what follows, and that; but {@link #PAD} and {@link #END} are a code alone.
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +---------------+---------------+-------------------------------+
 * |     Code      |    Length     |       Value ...
 * +---------------+---------------+-------------------------------+
 * </pre>
 */
public final class DhcpOption {
    /** Bytes before the value. */
    public static final int HEADER_LENGTH = 2;
    /** The most bytes of a value; a longer one is split among several options of one code (RFC 3396). */
    public static final int MAX_VALUE_LENGTH = 255;

    /** Code: nothing, without a length. */
    public static final int PAD = 0;
    /** Code: subnet mask. */
    public static final int SUBNET_MASK = 1;
    /** Code: routers, in the order of preference. */
    public static final int ROUTERS = 3;
    /** Code: name servers. */
    public static final int DOMAIN_NAME_SERVERS = 6;
    /** Code: the client's name. */
    public static final int HOST_NAME = 12;
    /** Code: the client's domain. */
    public static final int DOMAIN_NAME = 15;
    /** Code: the MTU of the interface. */
    public static final int INTERFACE_MTU = 26;
    /** Code: the subnet's broadcast address. */
    public static final int BROADCAST_ADDRESS = 28;
    /** Code: NTP servers. */
    public static final int NTP_SERVERS = 42;
    /** Code: the address that the client wants. */
    public static final int REQUESTED_ADDRESS = 50;
    /** Code: for how many seconds the address is the client's. */
    public static final int LEASE_TIME = 51;
    /** Code: whether there are options in the fields for names, too: 1 the file's, 2 the server's, 3 both. */
    public static final int OVERLOAD = 52;
    /** Code: what kind of message it is. */
    public static final int MESSAGE_TYPE = 53;
    /** Code: the address that tells servers apart. */
    public static final int SERVER_IDENTIFIER = 54;
    /** Code: the codes of options that the client wants. */
    public static final int PARAMETER_REQUEST_LIST = 55;
    /** Code: an error in words. */
    public static final int MESSAGE = 56;
    /** Code: the largest message that the client takes. */
    public static final int MAX_MESSAGE_SIZE = 57;
    /** Code: T1, in seconds from the lease's beginning. */
    public static final int RENEWAL_TIME = 58;
    /** Code: T2, in seconds from the lease's beginning. */
    public static final int REBINDING_TIME = 59;
    /** Code: what tells clients apart (RFC 4361). */
    public static final int CLIENT_IDENTIFIER = 61;
    /** Code: domains to look names up in (RFC 3397). */
    public static final int DOMAIN_SEARCH = 119;
    /** Code: routes (RFC 3442). */
    public static final int CLASSLESS_STATIC_ROUTES = 121;
    /** Code: the last option, without a length. */
    public static final int END = 255;

    /** {@link #MESSAGE_TYPE}: a client looks for servers. */
    public static final int DISCOVER = 1;
    /** {@link #MESSAGE_TYPE}: a server offers an address. */
    public static final int OFFER = 2;
    /** {@link #MESSAGE_TYPE}: a client wants an address that was offered, or one that it has or had. */
    public static final int REQUEST = 3;
    /** {@link #MESSAGE_TYPE}: a client has found an address in use. */
    public static final int DECLINE = 4;
    /** {@link #MESSAGE_TYPE}: a server grants an address. */
    public static final int ACK = 5;
    /** {@link #MESSAGE_TYPE}: a server refuses an address. */
    public static final int NAK = 6;
    /** {@link #MESSAGE_TYPE}: a client gives its address back. */
    public static final int RELEASE = 7;

    private DhcpOption() {}

    /** Whether the options from {@code offset} to {@code end}, or to {@link #END}, are all whole. */
    public static boolean areValid(ByteBuf buf, int offset, int end) {
        int at = offset;
        while (at < end && code(buf, at) != END) {
            if (code(buf, at) != PAD && (end - at < HEADER_LENGTH || length(buf, at) > end - at)) {
                return false;
            }
            at += length(buf, at);
        }
        return true;
    }

    /** The code. */
    public static int code(ByteBuf buf, int offset) {
        return buf.getUnsignedByte(offset);
    }

    /** The length of the whole option in bytes. */
    public static int length(ByteBuf buf, int offset) {
        int code = code(buf, offset);
        return code == PAD || code == END ? 1 : HEADER_LENGTH + buf.getUnsignedByte(offset + 1);
    }

    /** The length of the value in bytes. */
    public static int valueLength(ByteBuf buf, int offset) {
        return Math.max(0, length(buf, offset) - HEADER_LENGTH);
    }
}
