/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/** Named counters. */
package io.isla.netty.counter;
