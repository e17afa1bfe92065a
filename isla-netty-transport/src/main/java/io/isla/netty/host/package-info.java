/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/** A host as its user configures and reads it: {@link io.isla.netty.host.IslaHost}. */
package io.isla.netty.host;
