/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim.junit;

import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.Extension;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestTemplateInvocationContext;
import org.junit.jupiter.api.extension.TestTemplateInvocationContextProvider;
import org.junit.platform.commons.support.AnnotationSupport;

/** Runs a {@link VirtualNetworkTest} with each of its seeds. For JUnit. */
public final class VirtualNetworkExtension implements TestTemplateInvocationContextProvider {
    private static final String SEED = "io.isla.seed";
    private static final String SEEDS = "io.isla.seeds";

    /** Called by JUnit. */
    public VirtualNetworkExtension() {}

    @Override
    public boolean supportsTestTemplate(ExtensionContext context) {
        return AnnotationSupport.isAnnotated(context.getTestMethod(), VirtualNetworkTest.class);
    }

    @Override
    public Stream<TestTemplateInvocationContext> provideTestTemplateInvocationContexts(ExtensionContext context) {
        VirtualNetworkTest test = AnnotationSupport.findAnnotation(context.getTestMethod(), VirtualNetworkTest.class)
                .orElseThrow();
        return seeds(test).mapToObj(seed -> new Run(test, seed));
    }

    private static LongStream seeds(VirtualNetworkTest test) {
        Long only = property(SEED);
        if (only != null) {
            return LongStream.of(only);
        }
        Long count = property(SEEDS);
        long seeds = count == null || test.seeds() <= 1 ? test.seeds() : count;
        if (seeds < 1) {
            throw new ExtensionConfigurationException("seeds: there must be at least 1, not " + seeds);
        }
        return LongStream.range(test.seed(), test.seed() + seeds);
    }

    private static Long property(String name) {
        String text = System.getProperty(name);
        if (text == null || text.isBlank()) {
            return null;
        }
        try {
            return Long.valueOf(text.trim());
        } catch (NumberFormatException e) {
            throw new ExtensionConfigurationException(name + ": '" + text + "' is not a number", e);
        }
    }

    private record Run(VirtualNetworkTest test, long seed) implements TestTemplateInvocationContext {
        @Override
        public String getDisplayName(int invocationIndex) {
            return "seed " + seed;
        }

        @Override
        public List<Extension> getAdditionalExtensions() {
            return List.of(new NetworkOfRun(test, seed));
        }
    }
}
