/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import io.isla.netty.link.DeviceLink;
import io.isla.netty.link.DeviceLinkBuilder;
import io.isla.netty.link.TapLink;
import io.isla.netty.link.TunLink;
import io.isla.netty.stack.HostConfiguration;
import io.netty.util.internal.SystemPropertyUtil;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.function.Consumer;

/** The host that the system properties describe; see {@link IslaHost#fromSystemProperties()}. */
final class SystemPropertyHost {
    private static final String LINK = "io.isla.link";
    private static final String ADDRESS = "io.isla.address";
    private static final String SLAAC = "io.isla.slaac";
    private static final String GATEWAY = "io.isla.gateway";
    private static final String DHCP = "io.isla.dhcp";
    private static final String NAME_SERVER = "io.isla.nameserver";
    private static final String MAC = "io.isla.mac";
    private static final String MTU = "io.isla.mtu";
    private static final String HOST_ADDRESS = "io.isla.host-address";
    private static final String QUEUES = "io.isla.queues";
    private static final String TAP = "tap:";
    private static final String TUN = "tun:";

    /** By the name of the builder's method that takes what the property says. */
    private static final Map<String, String> PROPERTIES = Map.of(
            "link", LINK,
            "address", ADDRESS,
            "hostAddress", HOST_ADDRESS,
            "gateway", GATEWAY,
            "nameServer", NAME_SERVER,
            "macAddress", MAC,
            "mtu", MTU,
            "queues", QUEUES);

    private static IslaHost shared;

    private SystemPropertyHost() {}

    static synchronized IslaHost get() {
        if (shared == null || shared.isClosed()) {
            shared = create();
        }
        return shared;
    }

    private static IslaHost create() {
        String address = SystemPropertyUtil.get(ADDRESS);
        boolean slaac = SystemPropertyUtil.getBoolean(SLAAC, false);
        boolean dhcp = SystemPropertyUtil.getBoolean(DHCP, false);
        if (address == null && !slaac && !dhcp) {
            throw new IllegalArgumentException(ADDRESS
                    + ": not set; say which address this host is to have, such as -D" + ADDRESS
                    + "=10.0.0.2/24, or build an IslaHost and hand it to the event loop group");
        }
        IslaHostBuilder host = IslaHost.builder().closeWhenUnused(true).slaac(slaac);
        if (dhcp) {
            host.dhcp();
        }
        forEach(ADDRESS, address, host::address);
        forEach(GATEWAY, SystemPropertyUtil.get(GATEWAY), host::gateway);
        forEach(NAME_SERVER, SystemPropertyUtil.get(NAME_SERVER), host::nameServer);
        forEach(MAC, SystemPropertyUtil.get(MAC), host::macAddress);
        DeviceLinkBuilder<?, ?> device = device(SystemPropertyUtil.get(LINK, TAP + "isla0"));
        forEach(QUEUES, SystemPropertyUtil.get(QUEUES), text -> device.queues(number(text)));
        forEach(MTU, SystemPropertyUtil.get(MTU), text -> {
            device.mtu(number(text));
            host.mtu(number(text));
        });
        forEach(HOST_ADDRESS, SystemPropertyUtil.get(HOST_ADDRESS), text -> {
            HostConfiguration.Address parsed = HostAddresses.parseWithPrefix("hostAddress", text);
            device.hostAddress(parsed.address().toInetAddress(), parsed.prefixLength());
        });
        DeviceLink link;
        try {
            link = device.open();
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
        try {
            return host.link(link).build();
        } catch (RuntimeException e) {
            link.close();
            throw new IllegalArgumentException(ofProperty(e.getMessage()), e);
        }
    }

    /** What the builder says of one of its methods, said of the property in its place. */
    private static String ofProperty(String message) {
        for (Map.Entry<String, String> property : PROPERTIES.entrySet()) {
            if (message.startsWith(property.getKey() + ": ")) {
                return property.getValue() + message.substring(property.getKey().length());
            }
        }
        return "the io.isla.* system properties do not go together: " + message;
    }

    private static DeviceLinkBuilder<?, ?> device(String link) {
        boolean tun = link.startsWith(TUN);
        if (!tun && !link.startsWith(TAP)) {
            throw new IllegalArgumentException(LINK + ": '" + link + "' is no link; give " + TAP + "NAME or " + TUN
                    + "NAME, such as " + TAP + "isla0");
        }
        try {
            return tun ? TunLink.builder(link.substring(TUN.length())) : TapLink.builder(link.substring(TAP.length()));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(LINK + ": " + e.getMessage(), e);
        }
    }

    private static int number(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("'" + text + "' is not a number", e);
        }
    }

    /** Hands on each part of a list; whatever is wrong with one is said of the property. */
    private static void forEach(String property, String list, Consumer<String> action) {
        if (list == null) {
            return;
        }
        for (String part : list.split(",", -1)) {
            try {
                action.accept(part.trim());
            } catch (IllegalArgumentException e) {
                // Not "property: method: what".
                String said = ofProperty(e.getMessage());
                throw new IllegalArgumentException(
                        said.startsWith(property + ": ") ? said : property + ": " + e.getMessage(), e);
            }
        }
    }
}
