/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.unix.Errors.NativeIoException;
import io.netty.channel.unix.FileDescriptor;
import java.io.IOException;

/** Hears from the kernel, over netlink, when an interface goes down or comes up, or becomes part of a bridge: one who polls a TAP is not told. */
final class LinkStateHandle implements EpollIoHandle {
    /** Is told the present state: perhaps the one that it knows. */
    interface Listener {
        void linkState(boolean up);

        /**
         * The device is, or is no longer, part of another one, such as a bridge: then it is not the kernel's own TCP/IP that its frames go to.
         *
         * @param part whether it is; told at the beginning, and whenever something about the device changes
         */
        void partOfAnother(boolean part);
    }

    private static final int IFF_UP = 1;
    private static final int MESSAGE_TYPE = 4;
    private static final int INTERFACE_INDEX = RouteNetlink.HEADER_LENGTH + 4;
    private static final int INTERFACE_FLAGS = RouteNetlink.HEADER_LENGTH + 8;
    private static final int MIN_LINK_MESSAGE = RouteNetlink.HEADER_LENGTH + RouteNetlink.LINK_MESSAGE_LENGTH;

    private final HostInterface host;
    private final int index;
    private final Listener listener;
    private final FileDescriptor fd;
    // A message has some 1,500 bytes; if one has more, its beginning, which is all that counts, is still read.
    private final ByteBuf messages = Unpooled.directBuffer(16 * 1024, 16 * 1024);
    private boolean closed;

    LinkStateHandle(HostInterface host, int index, Listener listener) throws IOException {
        this.host = host;
        this.index = index;
        this.listener = listener;
        try {
            fd = new FileDescriptor(RouteNetlink.openLinkMonitor());
        } catch (IOException e) {
            messages.release();
            throw e;
        }
    }

    @Override
    public FileDescriptor fd() {
        return fd;
    }

    /** Looks at the state once: it may have changed before the first message was heard. */
    @Override
    public void registered() {
        ask();
    }

    @Override
    public void handle(IoRegistration registration, IoEvent event) {
        boolean lost = false;
        while (!closed) {
            int length;
            try {
                length = fd.read(messages.internalNioBuffer(0, messages.capacity()), 0, messages.capacity());
            } catch (NativeIoException e) {
                if (e.expectedErr() == -Linux.ENOBUFS) {
                    // The ones that are left may be old: the state is asked for after them.
                    lost = true;
                    continue;
                }
                registration.cancel();
                return;
            } catch (IOException e) {
                registration.cancel();
                return;
            }
            if (length <= 0) {
                if (lost) {
                    ask();
                }
                return;
            }
            read(length);
        }
    }

    // Netlink speaks the machine's byte order: little-endian wherever Netty's epoll transport runs.
    private void read(int length) {
        int at = 0;
        // The listener may close this handle.
        while (!closed && at + MIN_LINK_MESSAGE <= length) {
            int messageLength = messages.getIntLE(at);
            if (messageLength < RouteNetlink.HEADER_LENGTH) {
                return;
            }
            int next = messageLength > length - at ? length : at + messageLength + 3 & ~3;
            if (messages.getUnsignedShortLE(at + MESSAGE_TYPE) == RouteNetlink.RTM_NEWLINK
                    && messages.getIntLE(at + INTERFACE_INDEX) == index) {
                boolean part = hasMaster(at + MIN_LINK_MESSAGE, Math.min(at + messageLength, length));
                listener.linkState((messages.getIntLE(at + INTERFACE_FLAGS) & IFF_UP) != 0);
                if (!closed) {
                    listener.partOfAnother(part);
                }
            }
            at = next;
        }
    }

    private boolean hasMaster(int from, int to) {
        for (int at = from; at + RouteNetlink.ATTRIBUTE_HEADER_LENGTH <= to; ) {
            int attributeLength = messages.getUnsignedShortLE(at);
            if (attributeLength < RouteNetlink.ATTRIBUTE_HEADER_LENGTH) {
                return false;
            }
            if (messages.getUnsignedShortLE(at + 2) == RouteNetlink.IFLA_MASTER) {
                return true;
            }
            at += attributeLength + 3 & ~3;
        }
        return false;
    }

    private void ask() {
        try {
            listener.linkState(host.isUp());
            if (!closed) {
                // The answer comes like the messages that nobody has asked for.
                messages.clear();
                RouteNetlink.writeLinkRequest(messages, index);
                fd.write(messages.internalNioBuffer(0, messages.writerIndex()), 0, messages.writerIndex());
            }
        } catch (IOException e) {
            // It is gone: the TAP's own handle says so.
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            messages.release();
            try {
                fd.close();
            } catch (IOException e) {
                // Nothing was written to it that could be lost.
            }
        }
    }
}
