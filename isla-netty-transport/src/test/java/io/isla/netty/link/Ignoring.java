/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import java.io.IOException;

/** A receiver that does not care. */
class Ignoring implements LinkReceiver {
    @Override
    public void onFrame(InboundFrame frame) {}

    @Override
    public void onLinkFailure(IOException cause) {}
}
