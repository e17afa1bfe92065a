/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples;

import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The program {@code isla}. */
@Command(
        name = "isla",
        description = "Netty programs on Isla, a TCP/IP host in user space; or, for comparison, on the kernel.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        subcommands = {
            HttpCommand.class,
            EchoCommand.class,
            GetCommand.class,
            ReactorCommand.class,
            PingCommand.class,
            ResolveCommand.class,
            WireCommand.class,
            BenchCommand.class,
            BenchServerCommand.class,
            BenchClientCommand.class
        })
public final class Main {

    /** The version in the jar's manifest. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"isla " + (version == null ? "(not packaged)" : version)};
        }
    }

    /** Warns where no network interface is made of hardware, as in a container; that is nothing to be warned of. */
    private static final Logger MAC_ADDRESSES = Logger.getLogger("io.netty.util.internal.MacAddressUtil");

    private Main() {}

    public static void main(String[] arguments) {
        MAC_ADDRESSES.setLevel(Level.SEVERE);
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        return new CommandLine(new Main())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler(Main::explain);
    }

    /** What went wrong, in a line. A bug in the program is shown as one. */
    private static int explain(Exception exception, CommandLine command, CommandLine.ParseResult parsed) {
        boolean usage = exception instanceof IllegalArgumentException;
        if (exception instanceof RuntimeException && !usage) {
            exception.printStackTrace(command.getErr());
        } else {
            String message = "isla: " + text(exception);
            for (Throwable cause = exception.getCause(); cause != null; cause = cause.getCause()) {
                // Some exceptions repeat what their causes say.
                message += message.contains(text(cause)) ? "" : ": " + text(cause);
            }
            command.getErr().println(message);
        }
        return usage ? CommandLine.ExitCode.USAGE : CommandLine.ExitCode.SOFTWARE;
    }

    private static String text(Throwable throwable) {
        String message = throwable.getMessage();
        // The message of a file system exception is often the name of the file only.
        return message == null || throwable instanceof java.nio.file.FileSystemException
                ? throwable.getClass().getSimpleName() + (message == null ? "" : ": " + message)
                : message;
    }
}
