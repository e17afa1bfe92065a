/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code wrk} says at its end.
 *
 * @param requests answers that it has got
 * @param requestsPerSecond of the time that it has taken
 * @param errors of its sockets, and answers other than 2xx and 3xx
 */
record WrkOutput(long requests, double requestsPerSecond, long errors) {
    private static final Pattern REQUESTS = Pattern.compile("(?m)^\\s*(\\d+) requests in ");
    private static final Pattern RATE = Pattern.compile("(?m)^Requests/sec:\\s*([0-9.]+)");
    private static final Pattern SOCKET_ERRORS =
            Pattern.compile("Socket errors: connect (\\d+), read (\\d+), write (\\d+), timeout (\\d+)");
    private static final Pattern STATUS_ERRORS = Pattern.compile("Non-2xx or 3xx responses: (\\d+)");

    /** @throws IllegalArgumentException if it is not what wrk says */
    static WrkOutput parse(String output) {
        Matcher requests = REQUESTS.matcher(output);
        Matcher rate = RATE.matcher(output);
        if (!requests.find() || !rate.find()) {
            throw new IllegalArgumentException("wrk has not said what it measured: " + output.strip());
        }
        long errors = 0;
        Matcher sockets = SOCKET_ERRORS.matcher(output);
        if (sockets.find()) {
            for (int i = 1; i <= 4; i++) {
                errors += Long.parseLong(sockets.group(i));
            }
        }
        Matcher status = STATUS_ERRORS.matcher(output);
        if (status.find()) {
            errors += Long.parseLong(status.group(1));
        }
        return new WrkOutput(Long.parseLong(requests.group(1)), Double.parseDouble(rate.group(1)), errors);
    }
}
