/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Marks a test, or a class of tests, whose peer is the real kernel: it opens TAP devices, adds addresses and
 * routes, and sends packets. It runs only in a JVM that lives in a network namespace of its own, which
 * {@code .mvn/netns/bin/java} makes for Surefire; elsewhere it is skipped, and the reason is printed.
 *
 * <p>Where the environment has {@code ISLA_REQUIRE_NETNS=true} or {@code CI=true}, it fails instead.
 */
@Documented
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Tag("kernel")
@ExtendWith(KernelTestCondition.class)
public @interface KernelTest {}
