/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

/** What the pages that the server writes itself have in common. */
final class Html {

    private static final String STYLE = """
            :root{color-scheme:light dark;--ink:#12303f;--soft:#5a7482;--paper:#f6f9fa;--line:#d5e0e5;--sea:#0b7a99}
            @media(prefers-color-scheme:dark){:root{--ink:#dcebf1;--soft:#8fa9b6;--paper:#0d1c24;--line:#24404d;\
            --sea:#4cc3e4}}
            body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
            main{max-width:46rem;margin:0 auto;padding:3rem 1.25rem}
            h1{font-size:1.7rem;line-height:1.2;margin:0 0 1rem}
            a{color:var(--sea);text-decoration:none}a:hover{text-decoration:underline}
            table{border-collapse:collapse;width:100%}
            td,th{padding:.35rem .75rem .35rem 0;text-align:left;border-bottom:1px solid var(--line)}
            td+td,th+th{text-align:right;color:var(--soft);white-space:nowrap;font-variant-numeric:tabular-nums}
            footer{margin-top:2.5rem;color:var(--soft);font-size:.875rem}
            code{font:.9em ui-monospace,monospace}
            """;

    private Html() {}

    /**
     * A whole page.
     *
     * @param title plain text
     * @param content HTML
     */
    static String page(String title, String content) {
        return """
                <!doctype html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <title>%s</title>
                <link rel="icon" href="data:,">
                <style>
                %s</style>
                </head>
                <body>
                <main>
                %s
                </main>
                </body>
                </html>
                """.formatted(escape(title), STYLE, content);
    }

    /** Makes plain text safe in HTML, in an attribute's value too. */
    static String escape(String text) {
        StringBuilder escaped = new StringBuilder(text.length() + 16);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                default -> escaped.append(c);
            }
        }
        return escaped.toString();
    }
}
