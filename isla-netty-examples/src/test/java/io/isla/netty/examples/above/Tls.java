/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.examples.above;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.nio.file.Files;
import java.nio.file.Path;

/** A certificate for both sides of the wire, and what TLS needs besides. */
final class Tls {

    /** Its own authority, for both sides' addresses. */
    static final X509Bundle BUNDLE = bundle();

    private Tls() {}

    private static X509Bundle bundle() {
        try {
            return new CertificateBuilder()
                    .ecp256()
                    .subject("CN=Isla")
                    .addSanIpAddress(Wire.Side.ISLA.host)
                    .addSanIpAddress(Wire.Side.KERNEL.host)
                    .setIsCertificateAuthority(true)
                    .buildSelfSigned();
        } catch (Exception e) {
            throw new AssertionError("a certificate can be made", e);
        }
    }

    /** For a server, with the protocols that it speaks over TLS, in order of preference; none: no ALPN. */
    static SslContext server(SslProvider provider, String... protocols) throws Exception {
        return with(provider, SslContextBuilder.forServer(BUNDLE.toKeyManagerFactory()), protocols);
    }

    /** For a client that trusts the certificate, with the protocols that it speaks over TLS. */
    static SslContext client(SslProvider provider, String... protocols) throws Exception {
        return with(provider, SslContextBuilder.forClient().trustManager(BUNDLE.getCertificate()), protocols);
    }

    private static SslContext with(SslProvider provider, SslContextBuilder builder, String... protocols)
            throws Exception {
        if (provider == SslProvider.OPENSSL) {
            assertThat(OpenSsl.unavailabilityCause())
                    .as("why Netty's native TLS does not work here")
                    .isNull();
        }
        if (protocols.length > 0) {
            builder.applicationProtocolConfig(new ApplicationProtocolConfig(
                    Protocol.ALPN,
                    SelectorFailureBehavior.NO_ADVERTISE,
                    SelectedListenerFailureBehavior.ACCEPT,
                    protocols));
        }
        return builder.sslProvider(provider).build();
    }

    /** Writes the certificate to a file in a directory. */
    static Path certificate(Path directory) throws Exception {
        return Files.writeString(directory.resolve("certificate.pem"), BUNDLE.getCertificatePEM());
    }

    /** Writes the private key to a file in a directory. */
    static Path key(Path directory) throws Exception {
        return Files.writeString(directory.resolve("key.pem"), BUNDLE.getPrivateKeyPEM());
    }
}
