/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.NetworkInterface;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;

class KernelTestConditionTest {

    @Test
    @KernelTest
    void aKernelTestLivesInANamespaceOfItsOwnWithALoopbackThatIsUp() throws Exception {
        long parent = ProcessHandle.current().parent().orElseThrow().pid();

        assertThat(networkNamespaceOf("self")).isNotEqualTo(networkNamespaceOf(Long.toString(parent)));
        assertThat(NetworkInterface.getByName("lo").isUp()).isTrue();
    }

    @Test
    void anUnmarkedJvmIsAnObstacle() {
        assertThat(KernelTestCondition.obstacle(new Properties()))
                .hasValueSatisfying(reason -> assertThat(reason).contains(".mvn/netns/bin/java"));
    }

    @Test
    void theLaunchersReasonIsPassedOn() {
        Properties properties = new Properties();
        properties.setProperty("isla.test.netns", "false");
        properties.setProperty("isla.test.netns.reason", "not root");

        assertThat(KernelTestCondition.obstacle(properties)).hasValue("not root");
    }

    @Test
    void aNamespaceIsNoObstacle() {
        Properties properties = new Properties();
        properties.setProperty("isla.test.netns", "true");

        assertThat(KernelTestCondition.obstacle(properties)).isEmpty();
    }

    @Test
    void skippingFailsWhereTheEnvironmentSaysSo() {
        assertThat(KernelTestCondition.required(Map.of())).isFalse();
        assertThat(KernelTestCondition.required(Map.of("CI", "false"))).isFalse();
        assertThat(KernelTestCondition.required(Map.of("CI", "true"))).isTrue();
        assertThat(KernelTestCondition.required(Map.of("ISLA_REQUIRE_NETNS", "true")))
                .isTrue();
    }

    private static Path networkNamespaceOf(String process) throws IOException {
        return Files.readSymbolicLink(Path.of("/proc", process, "ns/net"));
    }
}
