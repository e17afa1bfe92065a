/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * What a user of Netty touches: event loop groups, channels and their options. {@link io.isla.netty.channel.IslaEventLoopGroup} and
 * {@link io.isla.netty.channel.IslaServerSocketChannel} take the place of {@code NioEventLoopGroup} and {@code NioServerSocketChannel}.
 */
package io.isla.netty.channel;
