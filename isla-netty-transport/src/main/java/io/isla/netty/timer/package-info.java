/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/** The timing wheel. */
package io.isla.netty.timer;
