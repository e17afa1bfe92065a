/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.channel;

import static org.assertj.core.api.Assertions.assertThat;

import io.isla.netty.tcp.TcpSettings;
import org.junit.jupiter.api.Test;

/** Settings of a listener's channels: shared in memory, and still each channel's own. */
class TcpSettingsHolderTest {
    private final TcpSettingsHolder listener = new TcpSettingsHolder();

    private static int hopLimit(TcpSettingsHolder holder) {
        return holder.get(TcpSettings::hopLimit);
    }

    @Test
    void aChannelStartsWithWhatItsListenerHas() {
        listener.set(settings -> settings.hopLimit(5));

        assertThat(hopLimit(new TcpSettingsHolder(listener))).isEqualTo(5);
    }

    @Test
    void whatAChannelSetsIsItsOwn() {
        listener.set(settings -> settings.hopLimit(5));
        TcpSettingsHolder first = new TcpSettingsHolder(listener);
        TcpSettingsHolder second = new TcpSettingsHolder(listener);

        first.set(settings -> settings.hopLimit(6));
        first.set(settings -> settings.keepAlive(true));

        assertThat(hopLimit(first)).isEqualTo(6);
        assertThat(hopLimit(second)).isEqualTo(5);
        assertThat(hopLimit(listener)).isEqualTo(5);
        assertThat((boolean) second.get(TcpSettings::keepAlive)).isFalse();
    }

    @Test
    void whatTheListenerSetsLaterIsForLaterChannels() {
        listener.set(settings -> settings.hopLimit(5));
        TcpSettingsHolder before = new TcpSettingsHolder(listener);

        listener.set(settings -> settings.hopLimit(7));

        assertThat(hopLimit(before)).isEqualTo(5);
        assertThat(hopLimit(new TcpSettingsHolder(listener))).isEqualTo(7);
    }
}
