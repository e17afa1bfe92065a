/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/** Decides whether a test may run that {@linkplain RequiresProgram needs programs}. */
final class RequiresProgramCondition implements ExecutionCondition {

    private static final Set<String> SAID = ConcurrentHashMap.newKeySet();

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        List<String> programs = AnnotationSupport.findAnnotation(context.getElement(), RequiresProgram.class).stream()
                .flatMap(annotation -> Arrays.stream(annotation.value()))
                .toList();
        ConditionEvaluationResult result = decide(context.getDisplayName(), programs, System.getenv());
        if (result.isDisabled()) {
            String reason = result.getReason().orElseThrow();
            if (SAID.add(reason)) {
                // Standard error shows in the build's log even where skipped tests are only counted.
                System.err.println(reason);
            }
        }
        return result;
    }

    static ConditionEvaluationResult decide(String test, List<String> programs, Map<String, String> environment) {
        List<String> missing = programs.stream()
                .filter(program -> Programs.find(program).isEmpty())
                .toList();
        if (missing.isEmpty()) {
            return ConditionEvaluationResult.enabled("the programs that it needs are installed");
        }
        String obstacle = "not installed: " + String.join(", ", missing);
        if (KernelTestCondition.required(environment)) {
            throw new IllegalStateException("all tests are required to run here, but a program is " + obstacle);
        }
        return ConditionEvaluationResult.disabled(test + " SKIPPED, a program is " + obstacle);
    }
}
