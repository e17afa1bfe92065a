/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.netty.handler.codec.http.HttpResponseStatus;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestPathTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = ' ',
            value = {
                "/ '' true",
                "/a a false",
                "/a/ a true",
                "/a/b a|b false",
                "//a///b// a|b true",
                "/a?b/../.. a false",
                "/a#b a false",
                "/./a/. a true",
                "/a/.. '' true",
                "/a/b/../c a|c false",
                "/a/%2e%2E/c c false",
                "/a/.%2e '' true",
                "/%41%c3%a9 Aé false",
                "/a%20b 'a b' false",
                "/a+b a+b false",
                "/... ... false",
                "/..a/a.. ..a|a.. false",
                "http://host:80/a/b?c a|b false",
                "HTTP://host '' true",
                "http://host?a/b '' true",
            })
    void takesTheNamesFromATarget(String target, String names, boolean directory) throws HttpProblem {
        RequestPath path = RequestPath.parse(target);

        assertThat(String.join("|", path.names())).isEqualTo(names);
        assertThat(path.directory()).isEqualTo(directory);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/..",
                "/../etc/passwd",
                "/a/../../etc/passwd",
                "/%2e%2e/etc/passwd",
                "/%2E./etc/passwd",
                "/.%2e/etc/passwd",
                "/a/b/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
                "http://host/..",
            })
    void refusesToLeaveTheRoot(String target) {
        assertBad(target);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "*",
                "a",
                "host:80",
                "https://host/",
                "/a%2fb",
                "/..%2f..%2fetc",
                "/a%00",
                "/%00",
                "/a\u0000b",
                "/a%0d%0aSet-Cookie:x",
                "/a%7f",
                "/%",
                "/%4",
                "/%zz",
                "/%+1",
                "/%c3",
                "/%ff",
                "/%c0%ae%c0%ae/",
                "/%ed%a0%80",
                "/é",
                "/a b",
            })
    void refusesWhatIsMalformed(String target) {
        assertBad(target);
    }

    private static void assertBad(String target) {
        assertThatExceptionOfType(HttpProblem.class)
                .isThrownBy(() -> RequestPath.parse(target))
                .satisfies(problem -> assertThat(problem.status()).isEqualTo(HttpResponseStatus.BAD_REQUEST));
    }

    @Test
    void noSpellingLeadsOutOfTheRoot() {
        String[] pieces = {
            "/",
            "//",
            ".",
            "..",
            "...",
            "%2e",
            "%2E",
            "%2f",
            "%2F",
            "%5c",
            "\\",
            "%00",
            "%",
            "%25",
            "%252e",
            "a",
            "b",
            "%c0%ae",
            "?",
            "#",
            ";",
            "é",
            "%c3%a9",
            "~",
            " ",
            "%20",
            "http://",
            ":",
            "%0a",
            "%e2%80%ae"
        };
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        Path root = Path.of("/srv/root");
        int accepted = 0;
        for (int i = 0; i < 200_000; i++) {
            StringBuilder target = new StringBuilder("/");
            for (int n = random.nextInt(9); n > 0; n--) {
                target.append(pieces[random.nextInt(pieces.length)]);
            }
            RequestPath path;
            try {
                path = RequestPath.parse(target.toString());
            } catch (HttpProblem e) {
                continue;
            }
            accepted++;
            Path file = root;
            for (String name : path.names()) {
                assertThat(name)
                        .as("a name in %s, seed %d", target, seed)
                        .isNotEmpty()
                        .isNotIn(".", "..")
                        .doesNotContain("/", "\0", "\n");
                file = file.resolve(name);
            }
            assertThat(file).as("%s, seed %d", target, seed).isEqualTo(file.normalize());
            assertThat(file.startsWith(root)).as("%s, seed %d", target, seed).isTrue();
        }
        assertThat(accepted).as("accepted, seed %d", seed).isGreaterThan(1_000);
    }

    @Test
    void encodesWhatItDecodes() throws HttpProblem {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            StringBuilder name = new StringBuilder("x");
            for (int n = random.nextInt(8); n >= 0; n--) {
                int c = ' ' + random.nextInt(0x2ff);
                if (c != '/' && c != 0x7f) {
                    name.append((char) c);
                }
            }
            RequestPath path = new RequestPath(List.of("d", name.toString()), random.nextBoolean());
            assertThat(RequestPath.parse(path.encoded())).as("seed %d", seed).isEqualTo(path);
        }
    }
}
