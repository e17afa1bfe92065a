/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.examples.http.Preconditions.Outcome;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PreconditionsTest {

    private static final String TAG = "\"a,b\"";
    private static final Instant MODIFIED = Instant.parse("2026-02-03T04:05:06Z");
    private static final String THEN = HttpDate.format(MODIFIED);
    private static final String BEFORE = HttpDate.format(MODIFIED.minusSeconds(1));
    private static final String AFTER = HttpDate.format(MODIFIED.plusSeconds(1));

    @Test
    void passesWithoutConditions() {
        assertThat(evaluate()).isEqualTo(Outcome.PASS);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "If-None-Match; \"a,b\"; NOT_MODIFIED",
                "If-None-Match; W/\"a,b\"; NOT_MODIFIED",
                "If-None-Match; *; NOT_MODIFIED",
                "If-None-Match; \"x\", \"a,b\"; NOT_MODIFIED",
                "If-None-Match; \"x\",W/\"a,b\",\"y\"; NOT_MODIFIED",
                "If-None-Match; \"x\"; PASS",
                "If-None-Match; \"a\", \"b\"; PASS",
                "If-None-Match; a,b; PASS",
                "If-None-Match; \"a,b; PASS",
                "If-Match; \"a,b\"; PASS",
                "If-Match; *; PASS",
                "If-Match; \"x\", \"a,b\"; PASS",
                "If-Match; W/\"a,b\"; FAILED",
                "If-Match; \"x\"; FAILED",
            })
    void comparesEntityTags(String name, String value, Outcome outcome) {
        assertThat(evaluate(name, value)).isEqualTo(outcome);
    }

    @Test
    void comparesDates() {
        assertThat(evaluate("If-Modified-Since", THEN)).isEqualTo(Outcome.NOT_MODIFIED);
        assertThat(evaluate("If-Modified-Since", AFTER)).isEqualTo(Outcome.NOT_MODIFIED);
        assertThat(evaluate("If-Modified-Since", BEFORE)).isEqualTo(Outcome.PASS);
        assertThat(evaluate("If-Modified-Since", "last week")).isEqualTo(Outcome.PASS);
        assertThat(evaluate("If-Unmodified-Since", THEN)).isEqualTo(Outcome.PASS);
        assertThat(evaluate("If-Unmodified-Since", BEFORE)).isEqualTo(Outcome.FAILED);
        assertThat(evaluate("If-Unmodified-Since", "last week")).isEqualTo(Outcome.PASS);
    }

    @Test
    void entityTagsGoBeforeDates() {
        assertThat(evaluate("If-None-Match", "\"x\"", "If-Modified-Since", AFTER))
                .isEqualTo(Outcome.PASS);
        assertThat(evaluate("If-Match", TAG, "If-Unmodified-Since", BEFORE)).isEqualTo(Outcome.PASS);
    }

    @Test
    void aFailedConditionGoesBeforeNotModified() {
        assertThat(evaluate("If-Match", "\"x\"", "If-None-Match", TAG)).isEqualTo(Outcome.FAILED);
    }

    @Test
    void aRangeAppliesToExactlyWhatItWasMeantFor() {
        assertThat(rangeApplies(null)).isTrue();
        assertThat(rangeApplies(TAG)).isTrue();
        assertThat(rangeApplies("\"x\"")).isFalse();
        assertThat(rangeApplies("W/" + TAG)).isFalse();
        assertThat(rangeApplies(THEN)).isTrue();
        assertThat(rangeApplies(AFTER)).isFalse();
        assertThat(rangeApplies("last week")).isFalse();
    }

    private static Outcome evaluate(String... headers) {
        HttpHeaders request = new DefaultHttpHeaders();
        for (int i = 0; i < headers.length; i += 2) {
            request.set(headers[i], headers[i + 1]);
        }
        return Preconditions.evaluate(request, TAG, MODIFIED.getEpochSecond());
    }

    private static boolean rangeApplies(String ifRange) {
        HttpHeaders request = new DefaultHttpHeaders();
        if (ifRange != null) {
            request.set("If-Range", ifRange);
        }
        return Preconditions.rangeApplies(request, TAG, MODIFIED.getEpochSecond());
    }
}
