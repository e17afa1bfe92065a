/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/** One shard of a host: its protocols on one event loop, and what the shards of a host share. */
package io.isla.netty.stack;
