/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Programs that a person runs.
 */
package io.isla.netty.examples;
