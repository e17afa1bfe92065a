/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/** The DHCPv4 client: a state machine that is told what arrives and what time it is, and tells its host what to send and what to be. */
package io.isla.netty.dhcp;
