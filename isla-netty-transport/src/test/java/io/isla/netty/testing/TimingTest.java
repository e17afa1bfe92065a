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
 * Marks a test, or a class of tests, that asserts how much time passes on the machine's clock, and cannot be asked with virtual time. A machine that others use stands still
 * for a tenth of a second now and then, so such a test has up to {@value TimingAttempts#ATTEMPTS} attempts: what is wrong fails them all. Each attempt that fails is told on
 * standard error.
 *
 * <p>An attempt is the method alone, without what JUnit runs before and after each test. A time limit of JUnit's holds for all attempts together.
 */
@Documented
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Tag("timing")
@ExtendWith(TimingAttempts.class)
public @interface TimingTest {}
