/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Keeps the names of what it is told. */
final class CollectingReceiver implements LinkReceiver {
    final List<String> events = new ArrayList<>();

    @Override
    public void onFrame(InboundFrame frame) {
        // Frames are what other tests look at.
    }

    @Override
    public void onLinkFailure(IOException cause) {
        events.add("failure");
    }

    @Override
    public void onLinkDown(IOException cause) {
        events.add("down");
    }

    @Override
    public void onLinkUp() {
        events.add("up");
    }
}
