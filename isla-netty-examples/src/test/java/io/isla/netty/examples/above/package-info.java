/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * What is built on Netty's channels, unchanged, on those of Isla: codecs, TLS, and libraries. A test a protocol, over a TAP device, with the
 * kernel's sockets on the other side of it.
 */
package io.isla.netty.examples.above;
