/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * An HTTP server of Reactor Netty, a library that takes its event loops and channels from its user.
 */
package io.isla.netty.examples.reactor;
