/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/** TCP: connections, their queues and timers, loss recovery, congestion control, listeners. */
package io.isla.netty.tcp;
