/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import io.isla.netty.examples.get.GetResult;
import io.isla.netty.examples.get.HttpGet;
import io.netty.util.NetUtil;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code isla get}: an HTTP client. */
@Command(
        name = "get",
        description = "Gets a resource over HTTP/1.1, and says on standard error how long it took.",
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "Exit status:%n",
        exitCodeList = {
            "0:got it",
            "1:no complete answer, or it cannot be written",
            "2:wrong usage",
            "3:the answer's status is 400 or above"
        })
final class GetCommand implements Callable<Integer> {

    private static final int BAD_STATUS = 3;

    @Spec
    private CommandSpec spec;

    @Mixin
    private TransportOptions transportOptions;

    @Parameters(paramLabel = "URL", description = "http://NAME[:PORT][/PATH], or an address for the name")
    private URI uri;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "Write the content to a file instead of standard output.")
    private Path output;

    @Option(
            names = {"-v", "--verbose"},
            description = "Show the heads of request and answer.")
    private boolean verbose;

    @Override
    public Integer call() throws Exception {
        InetSocketAddress remote = remote(uri);
        try (Transport transport = transportOptions.open()) {
            return output == null ? get(transport, remote, standardOutput()) : getToFile(transport, remote);
        }
    }

    /** Not {@code System.out}, which would hide that it cannot be written to. Nobody closes it. */
    private static OutputStream standardOutput() {
        return new FileOutputStream(FileDescriptor.out);
    }

    private int getToFile(Transport transport, InetSocketAddress remote) throws IOException, InterruptedException {
        try (OutputStream out = Files.newOutputStream(output)) {
            return get(transport, remote, out);
        }
    }

    private int get(Transport transport, InetSocketAddress remote, OutputStream out)
            throws IOException, InterruptedException {
        PrintWriter err = spec.commandLine().getErr();
        long started = System.nanoTime();
        GetResult result = HttpGet.get(
                transport.group(),
                transport.clientChannel(),
                transport.resolver(),
                uri,
                remote,
                out,
                verbose ? err : null);
        err.println(result.describe(started));
        return result.status() < 400 ? 0 : BAD_STATUS;
    }

    /** The address and port in a URL; with a name that is yet to be looked up, perhaps. */
    static InetSocketAddress remote(URI uri) throws IOException {
        if (!"http".equalsIgnoreCase(uri.getScheme()) || uri.getHost() == null) {
            throw new IllegalArgumentException("not a URL of the form http://NAME[:PORT][/PATH]: " + uri);
        }
        int port = uri.getPort() < 0 ? 80 : uri.getPort();
        if (port == 0 || port > 65535) {
            throw new IllegalArgumentException(
                    "the URL's port is not one to connect to: " + port + "; give one from 1 to 65535");
        }
        byte[] address = NetUtil.createByteArrayFromIpAddressString(uri.getHost());
        return address == null
                ? InetSocketAddress.createUnresolved(uri.getHost(), port)
                : new InetSocketAddress(InetAddress.getByAddress(address), port);
    }
}
