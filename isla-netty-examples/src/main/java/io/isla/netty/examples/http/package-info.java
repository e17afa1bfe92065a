/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * An ordinary HTTP/1.1 static file server on Netty's public API: nothing in it knows which transport it runs on.
 */
package io.isla.netty.examples.http;
