/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/** The benchmark: servers side by side, each in a network namespace of its own. */
package io.isla.netty.examples.bench;
