/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

/** When frames are read and written several in one system call. */
enum IoUringUse {
    /** Wherever the kernel lets them. */
    ALWAYS,
    /** Where the kernel lets them, and it costs less than a system call for each. */
    WHERE_IT_PAYS,
    NEVER
}
