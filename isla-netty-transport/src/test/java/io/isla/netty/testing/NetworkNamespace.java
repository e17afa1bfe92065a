/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A network namespace beside that of the test JVM: another machine, as far as networking is concerned. It has no name, belongs to a process that is
 * this object's, and is gone with it.
 */
public final class NetworkNamespace implements AutoCloseable {
    private final Process holder;
    private final String enter;
    private final List<String> cables = new ArrayList<>();

    /** Makes one, with a loopback interface that is up. */
    public NetworkNamespace() throws IOException {
        // Ends by itself should this JVM end without a word: its standard input is closed then.
        holder = new ProcessBuilder("unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && read end")
                .redirectErrorStream(true)
                .start();
        enter = "nsenter --net=/proc/" + holder.pid() + "/ns/net -- ";
        BufferedReader out = new BufferedReader(new InputStreamReader(holder.getInputStream(), StandardCharsets.UTF_8));
        String line = out.readLine();
        if (!"ready".equals(line)) {
            close();
            throw new IOException("cannot make a network namespace: " + line);
        }
    }

    /** Runs a command in it. */
    public String run(String command) throws Exception {
        return run(20, command);
    }

    /** Runs a command in it; fails if it takes longer than so many seconds. */
    public String run(int seconds, String command) throws Exception {
        return Commands.run(seconds, enter + command);
    }

    /** Runs a command in it, which may fail. */
    public Commands.Result runToEnd(int seconds, String command) throws Exception {
        return Commands.runToEnd(seconds, enter + command);
    }

    /** Starts a command in it. */
    public Process start(String command) throws IOException {
        return Commands.start(enter + command);
    }

    /** The number by which the {@code ip} command takes it as the place for a device. */
    public long pid() {
        return holder.pid();
    }

    /** Connects it to the JVM's own namespace by a cable with an end of a name in each, both up. */
    public void connect(String here, String there) throws Exception {
        Commands.run(20, "ip link add " + here + " type veth peer name " + there + " netns " + pid());
        cables.add(here);
        Commands.run(20, "ip link set dev " + here + " up");
        run("ip link set dev " + there + " up");
    }

    @Override
    public void close() {
        holder.destroy();
        try {
            // The kernel would take its time, and the next test may want the name.
            for (String cable : cables) {
                Commands.runToEnd(20, "ip link delete " + cable);
            }
            assertThat(holder.waitFor(5, TimeUnit.SECONDS)).isTrue();
        } catch (Exception e) {
            throw new IllegalStateException("cannot take the network namespace down", e);
        }
    }
}
