/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

/**
 * A buffer that a link reads frames into, which goes back to the link when it is released by the last who has a part of it. Like a buffer of an allocator, its memory
 * belongs to those who hold references to it, and to nobody else.
 */
public sealed interface FrameBuffer permits DirectFrameBuffer, UnsafeFrameBuffer {}
