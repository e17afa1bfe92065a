/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/** UDP: datagram endpoints. */
package io.isla.netty.udp;
