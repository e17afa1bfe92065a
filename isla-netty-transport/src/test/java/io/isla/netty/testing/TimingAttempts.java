/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.opentest4j.TestAbortedException;

/** Runs the method of a {@link TimingTest} again when it fails; when no attempt passes, the last failure is the test's, with those before it as suppressed exceptions. */
final class TimingAttempts implements InvocationInterceptor {
    static final int ATTEMPTS = 3;

    @Override
    public void interceptTestMethod(
            Invocation<Void> invocation, ReflectiveInvocationContext<Method> method, ExtensionContext context)
            throws Throwable {
        attempt(invocation, method, context);
    }

    @Override
    public void interceptTestTemplateMethod(
            Invocation<Void> invocation, ReflectiveInvocationContext<Method> method, ExtensionContext context)
            throws Throwable {
        attempt(invocation, method, context);
    }

    private static void attempt(
            Invocation<Void> invocation, ReflectiveInvocationContext<Method> method, ExtensionContext context)
            throws Throwable {
        Throwable[] failures = new Throwable[ATTEMPTS];
        for (int i = 0; i < ATTEMPTS; i++) {
            try {
                // JUnit wants its invocation to be used exactly once.
                if (i == 0) {
                    invocation.proceed();
                } else {
                    invoke(method);
                }
                return;
            } catch (TestAbortedException | InterruptedException e) {
                throw e;
            } catch (Throwable e) {
                failures[i] = e;
                System.err.printf(
                        "%s, %s: attempt %d of %d failed: %s%n",
                        context.getRequiredTestClass().getName(), context.getDisplayName(), i + 1, ATTEMPTS, e);
            }
        }
        Throwable last = failures[ATTEMPTS - 1];
        for (int i = 0; i < ATTEMPTS - 1; i++) {
            if (failures[i] != last) {
                last.addSuppressed(failures[i]);
            }
        }
        throw last;
    }

    private static void invoke(ReflectiveInvocationContext<Method> method) throws Throwable {
        try {
            method.getExecutable().setAccessible(true);
            method.getExecutable()
                    .invoke(
                            method.getTarget().orElse(null),
                            method.getArguments().toArray());
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}
