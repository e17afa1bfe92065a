/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim.junit;

import io.isla.netty.link.PcapngFile;
import io.isla.netty.sim.VirtualNetwork;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.LifecycleMethodExecutionExceptionHandler;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;
import org.opentest4j.TestAbortedException;

/** Makes the network of one run of a test when it is asked for, tells all about it if the run fails, and closes it. */
final class NetworkOfRun
        implements ParameterResolver,
                TestExecutionExceptionHandler,
                LifecycleMethodExecutionExceptionHandler,
                AfterEachCallback {
    private static final String CAPTURES = "io.isla.captures";
    /** The most of a run that is kept for its capture file, in bytes. */
    private static final long MAX_CAPTURE = 64L << 20;

    private final VirtualNetworkTest test;
    private final long seed;
    private final ByteArrayOutputStream captured = new ByteArrayOutputStream();
    private VirtualNetwork network;
    private PcapngFile capture;
    private boolean told;

    NetworkOfRun(VirtualNetworkTest test, long seed) {
        this.test = test;
        this.seed = seed;
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        return type == VirtualNetwork.class || type == SplittableRandom.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        if (parameter.getParameter().getType() == SplittableRandom.class) {
            return new SplittableRandom(~seed);
        }
        if (network == null) {
            VirtualNetwork.Builder builder = VirtualNetwork.builder().seed(seed);
            if (test.realTime()) {
                builder.realTime();
            }
            network = builder.build();
            capture = network.capture(captured, MAX_CAPTURE);
        }
        return network;
    }

    @Override
    public void handleTestExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
        tell(context, failure);
        throw failure;
    }

    @Override
    public void handleBeforeEachMethodExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
        tell(context, failure);
        throw failure;
    }

    @Override
    public void handleAfterEachMethodExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
        tell(context, failure);
        throw failure;
    }

    private void tell(ExtensionContext context, Throwable failure) {
        // A test that was aborted has not failed.
        if (network != null && !told && !(failure instanceof TestAbortedException)) {
            told = true;
            String report = report(context);
            System.err.println(report);
            failure.addSuppressed(new FailedRun(report));
        }
    }

    private String report(ExtensionContext context) {
        String method = context.getRequiredTestClass().getName() + "#"
                + context.getRequiredTestMethod().getName();
        return method + " failed with seed " + seed + "\nrun it again: "
                + new BuildTool(Path.of("")).line(context.getRequiredTestClass(), context.getRequiredTestMethod(), seed)
                + "\ncapture: " + save(context) + "\n" + network.report();
    }

    private String save(ExtensionContext context) {
        capture.flush();
        Path file = directory()
                .resolve(BuildTool.nameInPackage(context.getRequiredTestClass()).replace('$', '.') + "."
                        + context.getRequiredTestMethod().getName() + "-" + seed + ".pcapng");
        try {
            Files.createDirectories(file.getParent());
            Files.write(file, captured.toByteArray());
        } catch (IOException e) {
            return "none: cannot write " + file + ": " + e.getMessage();
        }
        return file.toAbsolutePath()
                + (capture.lostFrames() == 0 ? "" : " (without the last " + capture.lostFrames() + " packets)");
    }

    private static Path directory() {
        String set = System.getProperty(CAPTURES);
        if (set != null) {
            return Path.of(set);
        }
        for (String output : new String[] {"target", "build"}) {
            if (Files.isDirectory(Path.of(output))) {
                return Path.of(output, "virtual-network");
            }
        }
        return Path.of(System.getProperty("java.io.tmpdir"), "virtual-network");
    }

    @Override
    public void afterEach(ExtensionContext context) {
        if (network != null) {
            network.close();
        }
    }

    /** What is known of a run that has failed; its place is where it is suppressed. */
    private static final class FailedRun extends RuntimeException {
        private static final long serialVersionUID = 1;

        FailedRun(String report) {
            super(report, null, false, false);
        }
    }
}
