/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.ping;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PingStatisticsTest {
    private final PingStatistics statistics = new PingStatistics();

    private void send(int count) {
        for (int i = 0; i < count; i++) {
            statistics.sent();
        }
    }

    @Test
    void sumsUpAsPingDoes() {
        send(4);
        for (long micros : new long[] {1000, 2000, 4500}) {
            statistics.reply(TimeUnit.MICROSECONDS.toNanos(micros));
        }

        assertThat(statistics.summary("10.0.0.1", TimeUnit.MILLISECONDS.toNanos(3004)))
                .isEqualToNormalizingNewlines("""
                        --- 10.0.0.1 ping statistics ---
                        4 packets transmitted, 3 received, 25% packet loss, time 3004ms
                        rtt min/avg/max/mdev = 1.000/2.500/4.500/1.472 ms""");
    }

    @Test
    void saysNothingOfTimesWithoutReplies() {
        send(3);
        statistics.error();
        statistics.error();

        assertThat(statistics.summary("fd00::1", 0)).isEqualToNormalizingNewlines("""
                        --- fd00::1 ping statistics ---
                        3 packets transmitted, 0 received, +2 errors, 100% packet loss, time 0ms""");
        assertThat(new PingStatistics().summary("fd00::1", 0)).endsWith("0 packets transmitted, 0 received, time 0ms");
    }

    @Test
    void lossIsAsPreciseAsItNeedsToBe() {
        send(3);
        statistics.reply(1);

        assertThat(statistics.summary("a", 0)).contains(" 66.6667% packet loss");
    }

    @ParameterizedTest
    @CsvSource({"12345, 0.012", "1234567, 1.23", "12345678, 12.3", "123456789, 123", "1234567890, 1235"})
    void timesHaveThreeDigits(long nanos, String text) {
        assertThat(PingStatistics.millis(nanos)).isEqualTo(text);
    }
}
