/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

/** The page that shows what is in a directory. */
final class DirectoryListing {

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT).withZone(ZoneOffset.UTC);

    private static final Comparator<Entry> DIRECTORIES_FIRST = Comparator.comparing((Entry entry) -> !entry.directory)
            .thenComparing(Entry::name, String.CASE_INSENSITIVE_ORDER)
            .thenComparing(Entry::name);

    private record Entry(String name, boolean directory, long size, Instant modified) {}

    private DirectoryListing() {}

    /**
     * @param directory where it is
     * @param path what the client calls it
     * @param visible whether to show what has this real path
     */
    static Response of(Path directory, RequestPath path, Predicate<Path> visible) throws IOException {
        StringBuilder rows = new StringBuilder("<table>\n<tr><th>Name</th><th>Size</th><th>Modified (UTC)</th></tr>\n");
        if (!path.names().isEmpty()) {
            rows.append("<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n");
        }
        for (Entry entry : entries(directory, visible)) {
            String name = entry.directory ? entry.name + "/" : entry.name;
            // "./" keeps a colon in a name from looking like a URI's scheme.
            String link = "./" + RequestPath.encode(entry.name) + (entry.directory ? "/" : "");
            rows.append("<tr><td><a href=\"").append(Html.escape(link)).append("\">");
            rows.append(Html.escape(name)).append("</a></td><td>");
            rows.append(entry.directory ? "" : size(entry.size)).append("</td><td>");
            rows.append(TIME.format(entry.modified)).append("</td></tr>\n");
        }
        rows.append("</table>");
        String title = "/" + String.join("/", path.names()) + (path.names().isEmpty() ? "" : "/");
        Response response = Response.text(
                HttpResponseStatus.OK,
                ContentTypes.HTML,
                Html.page(title, "<h1>" + Html.escape(title) + "</h1>\n" + rows));
        response.headers().set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_CACHE);
        return response;
    }

    private static List<Entry> entries(Path directory, Predicate<Path> visible) throws IOException {
        List<Entry> entries = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                try {
                    BasicFileAttributes attributes =
                            Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
                    if (attributes.isSymbolicLink()) {
                        Path real = file.toRealPath();
                        if (!visible.test(real)) {
                            continue;
                        }
                        attributes = Files.readAttributes(real, BasicFileAttributes.class);
                    }
                    if (!attributes.isDirectory() && !attributes.isRegularFile()) {
                        // A device or a pipe, which would not be served.
                        continue;
                    }
                    entries.add(new Entry(
                            name,
                            attributes.isDirectory(),
                            attributes.size(),
                            attributes.lastModifiedTime().toInstant()));
                } catch (IOException e) {
                    // Removed since, or a link that leads nowhere: not shown, as it could not be got either.
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        entries.sort(DIRECTORIES_FIRST);
        return entries;
    }

    /** Bytes, in the unit that a person would choose. */
    static String size(long bytes) {
        if (bytes < 1024) {
            return bytes + " B";
        }
        // 1024^n has 10n bits.
        int unit = (63 - Long.numberOfLeadingZeros(bytes)) / 10;
        return String.format(Locale.ROOT, "%.1f %siB", bytes / Math.pow(1024, unit), "KMGTPE".charAt(unit - 1));
    }
}
