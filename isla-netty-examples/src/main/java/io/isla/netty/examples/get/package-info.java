/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * An HTTP client that gets one resource.
 */
package io.isla.netty.examples.get;
