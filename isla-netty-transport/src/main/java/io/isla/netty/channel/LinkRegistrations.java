/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoOps;
import java.util.ArrayList;
import java.util.List;

/** The handles of a shard's link, registered with Netty's epoll handler. The loop does not count them: a link alone keeps nothing open. */
final class LinkRegistrations {
    private final List<IoRegistration> registrations = new ArrayList<>(2);

    void add(IoHandler handler, IoHandle handle) throws Exception {
        IoRegistration registration = handler.register(handle);
        registrations.add(registration);
        registration.submit(EpollIoOps.EPOLLIN);
    }

    void cancel() {
        registrations.forEach(IoRegistration::cancel);
        registrations.clear();
    }
}
