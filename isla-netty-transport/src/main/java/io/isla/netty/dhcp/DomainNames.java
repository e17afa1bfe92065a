/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.dhcp;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Names of domains and hosts, as options hold them. */
final class DomainNames {
    private static final int MAX_LENGTH = 253;
    private static final int MAX_LABEL_LENGTH = 63;
    private static final int POINTER = 0xc0;
    /** More than these nobody searches. */
    private static final int MAX_DOMAINS = 16;

    private DomainNames() {}

    /**
     * Reads a list of domains as DNS writes them, compressed (RFC 3397 §2, RFC 1035 §4.1.4).
     *
     * @return {@code null} if it is malformed
     */
    static List<String> readList(byte[] value) {
        List<String> domains = new ArrayList<>();
        int at = 0;
        while (at < value.length) {
            StringBuilder name = new StringBuilder();
            at = readName(value, at, name);
            if (at < 0 || !isDomainName(name.toString())) {
                return null;
            }
            if (domains.size() < MAX_DOMAINS) {
                domains.add(name.toString());
            }
        }
        return domains;
    }

    /** Reads a name, and returns where it ends; -1 if it is malformed. */
    private static int readName(byte[] value, int start, StringBuilder name) {
        int end = -1;
        int at = start;
        // Where the labels at hand began: each pointer leads to before that, so that no name is without end.
        int limit = start;
        while (at < value.length) {
            int length = value[at++] & 0xff;
            if (length == 0) {
                return end < 0 ? at : end;
            }
            if ((length & POINTER) == POINTER) {
                if (at == value.length) {
                    return -1;
                }
                int target = (length & ~POINTER) << 8 | value[at++] & 0xff;
                end = end < 0 ? at : end;
                if (target >= limit) {
                    return -1;
                }
                limit = target;
                at = target;
            } else {
                if (length > MAX_LABEL_LENGTH
                        || length > value.length - at
                        || name.length() + length + 1 > MAX_LENGTH + 1) {
                    return -1;
                }
                name.append(name.length() == 0 ? "" : ".")
                        .append(new String(value, at, length, StandardCharsets.ISO_8859_1));
                at += length;
            }
        }
        return -1;
    }

    /**
     * Reads a name in plain text, which may end in a dot or, from some servers, in zeros.
     *
     * @return {@code null} if it is none
     */
    static String readText(byte[] value) {
        int length = value.length;
        while (length > 0 && value[length - 1] == 0) {
            length--;
        }
        String text = new String(value, 0, length, StandardCharsets.ISO_8859_1);
        String name = text.endsWith(".") ? text.substring(0, text.length() - 1) : text;
        return isDomainName(name) ? name : null;
    }

    /** Whether a text can be the name of a host. */
    static boolean isHostName(String text) {
        return isName(text, false);
    }

    /** Whether a text can be the name of a domain: what comes from the network ends up in logs and files. */
    static boolean isDomainName(String text) {
        return isName(text, true);
    }

    private static boolean isName(String text, boolean underscores) {
        if (text.isEmpty() || text.length() > MAX_LENGTH) {
            return false;
        }
        int label = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean inside = c >= 'a' && c <= 'z'
                    || c >= 'A' && c <= 'Z'
                    || c >= '0' && c <= '9'
                    || c == '-' && label > 0
                    || c == '_' && underscores;
            if (c == '.' ? label == 0 : !inside || label == MAX_LABEL_LENGTH) {
                return false;
            }
            label = c == '.' ? 0 : label + 1;
        }
        return label > 0;
    }
}
