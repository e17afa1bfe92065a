/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.bench;

import java.util.Iterator;
import java.util.Map;
import java.util.stream.StreamSupport;

/** Writes maps, lists, strings and numbers as JSON (RFC 8259). */
final class Json {
    private static final String INDENT = "  ";

    private final StringBuilder out = new StringBuilder();

    private Json() {}

    static String write(Object value) {
        Json json = new Json();
        json.value(value, "\n");
        return json.out.append('\n').toString();
    }

    /** @param line a line break, with the indentation of what the value is in */
    private void value(Object value, String line) {
        if (value instanceof Map<?, ?> map) {
            object(map, line);
        } else if (value instanceof Iterable<?> list) {
            array(list, line);
        } else if (value instanceof Double number && !Double.isFinite(number)) {
            // JSON has no such numbers.
            out.append("null");
        } else if (value instanceof Number) {
            out.append(value);
        } else {
            string(String.valueOf(value));
        }
    }

    private void object(Map<?, ?> map, String line) {
        out.append('{');
        String separator = "";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            out.append(separator).append(line).append(INDENT);
            string(String.valueOf(entry.getKey()));
            out.append(": ");
            value(entry.getValue(), line + INDENT);
            separator = ",";
        }
        out.append(map.isEmpty() ? "}" : line + "}");
    }

    private void array(Iterable<?> list, String line) {
        Iterator<?> values = list.iterator();
        boolean empty = !values.hasNext();
        // Numbers go on one line, other values have a line each.
        boolean oneLine = StreamSupport.stream(list.spliterator(), false).allMatch(Number.class::isInstance);
        out.append('[');
        while (values.hasNext()) {
            out.append(oneLine ? "" : line + INDENT);
            value(values.next(), line + INDENT);
            out.append(values.hasNext() ? oneLine ? ", " : "," : "");
        }
        out.append(empty || oneLine ? "]" : line + "]");
    }

    private void string(String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
