/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import io.netty.resolver.AddressResolver;
import io.netty.util.NetUtil;
import io.netty.util.concurrent.Future;
import java.io.PrintWriter;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code isla resolve}: looks names up. */
@Command(
        name = "resolve",
        description =
                "Looks names up by DNS, over UDP and if need be TCP, and prints a line for each address: the address, "
                        + "then the name. The order is that in which the addresses are best tried.",
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "Exit status:%n",
        exitCodeList = {"0:found all of them", "1:did not find one of them", "2:wrong usage"})
final class ResolveCommand implements Callable<Integer> {
    private static final int NOT_FOUND = 1;

    @Spec
    private CommandSpec spec;

    @Mixin
    private TransportOptions transportOptions;

    @Parameters(paramLabel = "NAME", arity = "1..*", description = "A name, such as www.example.com.")
    private List<String> names;

    @Override
    public Integer call() throws Exception {
        if (transportOptions.kind != Transport.Kind.ISLA && !transportOptions.nameServers.isEmpty()) {
            throw new IllegalArgumentException(
                    "--name-server: the machine's resolver asks the servers that the machine has; leave out --transport");
        }
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        int status = 0;
        try (Transport transport = transportOptions.open()) {
            AddressResolver<InetSocketAddress> resolver =
                    transport.resolver().getResolver(transport.group().next());
            Map<String, Future<List<InetSocketAddress>>> lookups = new LinkedHashMap<>();
            for (String name : names) {
                lookups.put(name, resolver.resolveAll(InetSocketAddress.createUnresolved(name, 0)));
            }
            for (Map.Entry<String, Future<List<InetSocketAddress>>> lookup : lookups.entrySet()) {
                Future<List<InetSocketAddress>> found = lookup.getValue().await();
                if (found.isSuccess()) {
                    found.getNow()
                            .forEach(each -> out.printf(
                                    "%-39s %s%n", NetUtil.toAddressString(each.getAddress()), lookup.getKey()));
                } else {
                    err.println("isla: " + found.cause().getMessage());
                    status = NOT_FOUND;
                }
            }
            out.flush();
        }
        return status;
    }
}
