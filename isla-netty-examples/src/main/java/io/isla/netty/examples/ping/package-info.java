/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/** {@code isla ping}: echo requests at intervals, and what is made of the replies. */
package io.isla.netty.examples.ping;
