/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import com.sun.jna.Memory;
import io.isla.netty.link.Linux.ErrnoException;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import java.io.IOException;

/** What is needed of {@code rtnetlink(7)}: adding an address, and asking about a device and hearing of what happens to it. */
final class RouteNetlink {
    /** Bytes in a {@code struct nlmsghdr}. */
    static final int HEADER_LENGTH = 16;
    /** Bytes in a {@code struct ifinfomsg}. */
    static final int LINK_MESSAGE_LENGTH = 16;
    /** Message type: the state of a link. */
    static final int RTM_NEWLINK = 16;

    private static final int RTM_GETLINK = 18;

    private static final int NETLINK_ROUTE = 0;
    private static final int RTMGRP_LINK = 1;
    private static final int SOCKADDR_SIZE = 12;
    private static final int NLMSG_ERROR = 2;
    private static final int RTM_NEWADDR = 20;
    private static final int NLM_F_REQUEST = 1;
    private static final int NLM_F_ACK = 4;
    private static final int NLM_F_REPLACE = 0x100;
    private static final int NLM_F_CREATE = 0x400;
    private static final int ADDRESS_MESSAGE_LENGTH = 8;
    static final int ATTRIBUTE_HEADER_LENGTH = 4;
    static final int IFLA_MASTER = 10;
    private static final int IFA_ADDRESS = 1;
    private static final int IFA_LOCAL = 2;
    private static final int IFA_F_NODAD = 2;

    private RouteNetlink() {}

    /**
     * Opens a socket that receives, without blocking, a message whenever a link of this network namespace changes.
     *
     * @return its file descriptor, which the caller owns
     */
    static int openLinkMonitor() throws IOException {
        int fd = Linux.socket(Linux.AF_NETLINK, Linux.SOCK_RAW | Linux.O_NONBLOCK, NETLINK_ROUTE);
        try (Memory address = new Memory(SOCKADDR_SIZE)) {
            address.clear();
            address.setShort(0, (short) Linux.AF_NETLINK);
            address.setInt(8, RTMGRP_LINK);
            Linux.bind(fd, address);
            return fd;
        } catch (IOException e) {
            Linux.close(fd);
            throw e;
        }
    }

    /** Writes the message that asks for an RTM_NEWLINK about one device. */
    static void writeLinkRequest(ByteBuf to, int interfaceIndex) {
        to.writeIntLE(HEADER_LENGTH + LINK_MESSAGE_LENGTH)
                .writeShortLE(RTM_GETLINK)
                .writeShortLE(NLM_F_REQUEST)
                .writeZero(12)
                .writeIntLE(interfaceIndex)
                .writeZero(8);
    }

    /**
     * Adds an address to an interface, or does nothing if it is there. An IPv6 address is usable at once, without duplicate address
     * detection: on the other end of a TAP there is one host, which has been given another address.
     */
    static void addAddress(int interfaceIndex, IpAddress address, int prefixLength) throws IOException {
        boolean v4 = address.isV4();
        try (Memory message = new Memory(v4 ? 40 : 64)) {
            message.clear();
            message.setInt(0, (int) message.size());
            message.setShort(4, (short) RTM_NEWADDR);
            message.setShort(6, (short) (NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE));
            int at = HEADER_LENGTH;
            message.setByte(at, (byte) (v4 ? Linux.AF_INET : Linux.AF_INET6));
            message.setByte(at + 1, (byte) prefixLength);
            message.setByte(at + 2, (byte) (v4 ? 0 : IFA_F_NODAD));
            message.setInt(at + 4, interfaceIndex);
            at += ADDRESS_MESSAGE_LENGTH;
            byte[] bytes = address.toInetAddress().getAddress();
            at = putAttribute(message, at, IFA_LOCAL, bytes);
            putAttribute(message, at, IFA_ADDRESS, bytes);
            exchange(message);
        }
    }

    private static int putAttribute(Memory message, int at, int type, byte[] value) {
        message.setShort(at, (short) (ATTRIBUTE_HEADER_LENGTH + value.length));
        message.setShort(at + 2, (short) type);
        message.write(at + ATTRIBUTE_HEADER_LENGTH, value, 0, value.length);
        return at + ATTRIBUTE_HEADER_LENGTH + value.length;
    }

    /** Sends a request and waits for the kernel's answer, which is there when the request returns. */
    private static void exchange(Memory request) throws IOException {
        int fd = Linux.socket(Linux.AF_NETLINK, Linux.SOCK_RAW, NETLINK_ROUTE);
        try (Memory answer = new Memory(8192)) {
            Linux.send(fd, request);
            int length = Linux.receive(fd, answer);
            if (length < HEADER_LENGTH + 4 || answer.getShort(4) != NLMSG_ERROR) {
                throw new IOException("unexpected answer to a netlink request");
            }
            int error = -answer.getInt(HEADER_LENGTH);
            if (error != 0) {
                throw new ErrnoException("RTM_NEWADDR", error);
            }
        } finally {
            Linux.close(fd);
        }
    }
}
