/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.examples.http.ByteRanges.ByteRange;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteRangesTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = ' ',
            value = {
                "bytes=0-0 0-0",
                "bytes=0-99 0-99",
                "bytes=0-100 0-99",
                "bytes=0-99999999999999999999 0-99",
                "bytes=10- 10-99",
                "bytes=99- 99-99",
                "bytes=-1 99-99",
                "bytes=-100 0-99",
                "bytes=-1000 0-99",
                "BYTES=5-6 5-6",
                "bytes=,5-6, 5-6",
                "bytes=0-0,2-2 0-0|2-2",
                "bytes=50-59,0-9 50-59|0-9",
                "bytes=0-4,5-9 0-9",
                "bytes=0-9,5-19 0-19",
                "bytes=0-1,8-9,1-8 0-9",
                "bytes=0-1,200-300 0-1",
                "bytes=100- ''",
                "bytes=-0 ''",
                "bytes=100-200,300- ''",
            })
    void appliesARange(String header, String expected) {
        String actual = ByteRanges.parse(header, 100).orElseThrow().stream()
                .map(ByteRangesTest::text)
                .collect(Collectors.joining("|"));

        assertThat(actual).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "bytes",
                "bytes=",
                "bytes=,",
                "bytes=-",
                "bytes=a-b",
                "bytes=1",
                "bytes=2-1",
                "bytes=1-2-3",
                "bytes=0x1-2",
                "bytes=+1-2",
                "bytes=1 -2",
                "bytes=0-1,x",
                "lines=0-1",
            })
    void ignoresWhatIsNoRange(String header) {
        assertThat(ByteRanges.parse(header, 100)).isEmpty();
    }

    @Test
    void nothingInAnEmptyRepresentationCanBeSatisfied() {
        assertThat(ByteRanges.parse("bytes=0-", 0))
                .hasValueSatisfying(ranges -> assertThat(ranges).isEmpty());
        assertThat(ByteRanges.parse("bytes=-5", 0))
                .hasValueSatisfying(ranges -> assertThat(ranges).isEmpty());
    }

    @Test
    void ignoresARequestForVeryManyRanges() {
        assertThat(ByteRanges.parse(ranges(ByteRanges.MAX_RANGES), 1000))
                .hasValueSatisfying(ranges -> assertThat(ranges).hasSize(ByteRanges.MAX_RANGES));
        assertThat(ByteRanges.parse(ranges(ByteRanges.MAX_RANGES + 1), 1000)).isEmpty();
    }

    private static String ranges(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> 2 * i + "-" + 2 * i)
                .collect(Collectors.joining(",", "bytes=", ""));
    }

    private static String text(ByteRange range) {
        return range.first() + "-" + range.last();
    }
}
