/**
 * Bugs that only a network shows, each found by a test on a virtual network: in virtual time, from seeds, with nothing but this JVM. To be read as examples; see
 * docs/simulation.md.
 */
package io.isla.netty.examples.simulation;
