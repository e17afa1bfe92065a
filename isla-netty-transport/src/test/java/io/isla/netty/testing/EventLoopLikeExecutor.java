/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Runs benchmarks on threads of the kind that event loops are: on others, Netty does not pool the objects around its buffers. JMH finds it by
 * {@link #OPTION} and {@link #CLASS_OPTION}.
 */
public final class EventLoopLikeExecutor extends ThreadPoolExecutor {
    /** Has JMH use an executor that is not its own. */
    public static final String OPTION = "-Djmh.executor=CUSTOM";
    /** Which one. */
    public static final String CLASS_OPTION = "-Djmh.executor.class=io.isla.netty.testing.EventLoopLikeExecutor";

    /** The leak detector would be most of what is allocated: it follows one buffer in 128, with stack traces. */
    public static final String NO_LEAK_DETECTION = "-Dio.netty.leakDetection.level=disabled";

    /** Called by JMH. */
    public EventLoopLikeExecutor(int threads, String prefix) {
        super(
                threads,
                threads,
                1,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                new DefaultThreadFactory(prefix, true));
    }
}
