/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.host;

import io.isla.netty.dhcp.DhcpLease;
import io.isla.netty.link.MacAddress;
import io.isla.netty.stack.HostAddress;
import io.isla.netty.stack.NetworkListener;
import io.isla.netty.wire.IpAddress;

/** Tells a user's listener what the stack's is told. Equal are adapters of the same listener. */
record ListenerAdapter(IslaHost host, IslaHostListener listener) implements NetworkListener {
    @Override
    public void addressAdded(HostAddress address) {
        listener.addressAdded(host, IslaHostAddress.of(address));
    }

    @Override
    public void addressChanged(HostAddress address) {
        listener.addressChanged(host, IslaHostAddress.of(address));
    }

    @Override
    public void addressRemoved(HostAddress address) {
        listener.addressRemoved(host, IslaHostAddress.of(address));
    }

    @Override
    public void addressDuplicate(IpAddress address, MacAddress other) {
        listener.addressDuplicate(host, address.toInetAddress(), other);
    }

    @Override
    public void addressConflict(IpAddress address, MacAddress other) {
        listener.addressConflict(host, address.toInetAddress(), other);
    }

    @Override
    public void routesChanged() {
        listener.routesChanged(host);
    }

    @Override
    public void resolutionChanged() {
        listener.nameServersChanged(host);
    }

    @Override
    public void leaseChanged(DhcpLease lease) {
        listener.dhcpLeaseChanged(host, IslaDhcpLease.of(lease));
    }

    @Override
    public void mtuChanged(int mtu) {
        listener.mtuChanged(host, mtu);
    }
}
