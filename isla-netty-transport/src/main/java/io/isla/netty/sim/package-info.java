/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/** The virtual network and its virtual clock. */
package io.isla.netty.sim;
