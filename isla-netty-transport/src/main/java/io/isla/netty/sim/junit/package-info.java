/**
 * The virtual network in tests of JUnit Jupiter: {@link io.isla.netty.sim.junit.VirtualNetworkTest}. JUnit itself is an optional dependency: who writes tests with it
 * has it.
 */
package io.isla.netty.sim.junit;
