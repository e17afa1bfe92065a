/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.OptionalLong;

/** Conditional requests (RFC 9110 §13). */
final class Preconditions {

    /** What the preconditions of a request come to. */
    enum Outcome {
        /** Go on with the method. */
        PASS,
        /** 304: what the client has is still right. */
        NOT_MODIFIED,
        /** 412: the client did not want the method applied to what is there. */
        FAILED
    }

    private Preconditions() {}

    /**
     * Evaluates all preconditions but {@code If-Range}, in the order of RFC 9110 §13.2.2, for GET and HEAD.
     *
     * @param request the request's headers
     * @param entityTag the strong entity tag of what is there, quotes included
     * @param lastModified when it was last modified, in seconds since the epoch
     */
    static Outcome evaluate(HttpHeaders request, String entityTag, long lastModified) {
        if (request.contains(HttpHeaderNames.IF_MATCH)) {
            if (!matches(request, HttpHeaderNames.IF_MATCH, entityTag, false)) {
                return Outcome.FAILED;
            }
        } else {
            OptionalLong date = date(request, HttpHeaderNames.IF_UNMODIFIED_SINCE);
            if (date.isPresent() && lastModified > date.getAsLong()) {
                return Outcome.FAILED;
            }
        }
        if (request.contains(HttpHeaderNames.IF_NONE_MATCH)) {
            if (matches(request, HttpHeaderNames.IF_NONE_MATCH, entityTag, true)) {
                return Outcome.NOT_MODIFIED;
            }
        } else {
            OptionalLong date = date(request, HttpHeaderNames.IF_MODIFIED_SINCE);
            if (date.isPresent() && lastModified <= date.getAsLong()) {
                return Outcome.NOT_MODIFIED;
            }
        }
        return Outcome.PASS;
    }

    /** Whether a {@code Range} header counts: there is no {@code If-Range}, or it names exactly what is there. */
    static boolean rangeApplies(HttpHeaders request, String entityTag, long lastModified) {
        String condition = request.get(HttpHeaderNames.IF_RANGE);
        if (condition == null) {
            return true;
        }
        condition = condition.strip();
        if (condition.endsWith("\"")) {
            // A weak tag begins with W/ and so is never equal: the comparison must be the strong one.
            return condition.equals(entityTag);
        }
        OptionalLong date = HttpDate.parseSeconds(condition);
        return date.isPresent() && date.getAsLong() == lastModified;
    }

    private static OptionalLong date(HttpHeaders request, CharSequence name) {
        String value = request.get(name);
        return value == null ? OptionalLong.empty() : HttpDate.parseSeconds(value);
    }

    private static boolean matches(HttpHeaders request, CharSequence name, String entityTag, boolean weakly) {
        for (String value : request.getAll(name)) {
            if (value.strip().equals("*") || listContains(value, entityTag, weakly)) {
                return true;
            }
        }
        return false;
    }

    /** Looks for a tag in a list of tags. A comma may be part of a tag: it is inside quotes then. */
    private static boolean listContains(String list, String entityTag, boolean weakly) {
        for (int i = 0; i < list.length(); ) {
            boolean weak = list.startsWith("W/", i);
            int quote = weak ? i + 2 : i;
            if (quote < list.length() && list.charAt(quote) == '"') {
                int end = list.indexOf('"', quote + 1);
                if (end < 0) {
                    return false;
                }
                if ((weakly || !weak) && list.substring(quote, end + 1).equals(entityTag)) {
                    return true;
                }
                i = end + 1;
            } else {
                i++;
            }
        }
        return false;
    }
}
