/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim.junit;

import io.isla.netty.sim.VirtualNetwork;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.TestTemplate;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Marks a test on a {@link VirtualNetwork}, to be run with one seed after the other.
 *
 * <pre>{@code
 * @VirtualNetworkTest(seeds = 100)
 * void repliesInTime(VirtualNetwork network) {
 *     VirtualHost server = network.host("10.0.0.1");
 *     ...
 * }
 * }</pre>
 *
 * <p>The test, and {@code @BeforeEach} methods, may have a parameter of type {@link VirtualNetwork}, which is made for each run and closed after it, and one of type {@link
 * java.util.SplittableRandom}, which follows from the seed, too: for what the application decides by chance. All of it is on the thread of the test.
 *
 * <p>If a run fails, its seed is printed, with the line that runs it again, the state of the network and its last packets, and the path of a capture file for
 * Wireshark. The same is a suppressed exception of the failure.
 *
 * <p>System properties:
 *
 * <ul>
 *   <li>{@code io.isla.seed}: the one seed to run all such tests with, instead of those that they name
 *   <li>{@code io.isla.seeds}: how many seeds to run such tests with that have more than one: fewer for a quick look, more for a night
 *   <li>{@code io.isla.captures}: the directory for capture files; {@code virtual-network} in {@code target} or {@code build}, whichever there is, or in the temporary
 *       directory unless set
 * </ul>
 */
@Documented
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@Retention(RetentionPolicy.RUNTIME)
@TestTemplate
@ExtendWith(VirtualNetworkExtension.class)
public @interface VirtualNetworkTest {
    /** How many seeds to run the test with, one or more. */
    int seeds() default 1;

    /** The first seed; the others count on from it. */
    long seed() default 1;

    /** Whether the network lives in {@linkplain VirtualNetwork.Builder#realTime() real time}. */
    boolean realTime() default false;
}
