/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import java.io.IOException;

/** A link that is another one in all but what passes over it: for links that look at frames, lose them, or change them, to extend. */
public abstract class ForwardingLink implements Link {
    private final Link link;

    /**
     * Wraps a link.
     *
     * @param link closed with this one
     */
    protected ForwardingLink(Link link) {
        this.link = link;
    }

    /** The link that is wrapped. */
    protected final Link link() {
        return link;
    }

    @Override
    public final String name() {
        return link.name();
    }

    @Override
    public final Medium medium() {
        return link.medium();
    }

    @Override
    public final int mtu() {
        return link.mtu();
    }

    @Override
    public final int maxReceiveQueues() {
        return link.maxReceiveQueues();
    }

    @Override
    public final int maxSegmentationBytes() {
        return link.maxSegmentationBytes();
    }

    @Override
    public final int maxTcpSegmentationBytes() {
        return link.maxTcpSegmentationBytes();
    }

    @Override
    public void close() throws IOException {
        link.close();
    }
}
