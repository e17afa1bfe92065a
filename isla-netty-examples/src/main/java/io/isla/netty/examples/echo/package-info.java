/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * A TCP echo server.
 */
package io.isla.netty.examples.echo;
