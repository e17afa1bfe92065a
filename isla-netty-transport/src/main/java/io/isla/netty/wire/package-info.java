/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/** Header layouts, addresses and the checksum: no state, no policy. */
package io.isla.netty.wire;
