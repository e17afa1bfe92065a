/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/** The network layer: IPv4 and IPv6, ICMP, neighbours, routes, path MTU. */
package io.isla.netty.ip;
