/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/** What carries frames: the {@link io.isla.netty.link.Link} interface and its kinds, and what wraps a link. */
package io.isla.netty.link;
