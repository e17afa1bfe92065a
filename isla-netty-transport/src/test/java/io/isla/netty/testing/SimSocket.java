/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.testing;

import io.isla.netty.tcp.TcpConnection;
import io.isla.netty.tcp.TcpEvents;
import io.isla.netty.tcp.TcpUser;
import io.netty.buffer.ByteBuf;
import java.io.ByteArrayOutputStream;
import java.io.IOException;

/** The user of a connection: writes what it is given as fast as the connection takes it, and reads while it is told to. */
public final class SimSocket implements TcpUser {
    private final SimHost host;
    public final TcpConnection connection;
    private final ByteArrayOutputStream received = new ByteArrayOutputStream();
    private byte[] toSend = new byte[0];
    private int sent;
    private boolean finishAfter;
    private int readSize = 65_536;
    /** The host's, which may do without leak detection where its own accounts are looked at. */
    private final io.netty.buffer.ByteBufAllocator allocator;

    private boolean counting;
    private boolean endless;
    private long receivedTotal;

    public boolean reading = true;
    public boolean connected;
    public boolean peerClosed;
    public boolean closed;
    public boolean inputFinished;
    public IOException error;
    public int events;

    public SimSocket(SimHost host, TcpConnection connection) {
        this.host = host;
        allocator = host.allocator();
        this.connection = connection;
        connection.user(this);
        host.scheduleTurn();
    }

    @Override
    public void onTcpEvents(TcpConnection c, int newEvents) {
        events |= newEvents;
        connected |= (newEvents & TcpEvents.CONNECTED) != 0;
        peerClosed |= (newEvents & TcpEvents.PEER_CLOSED) != 0;
        if ((newEvents & TcpEvents.FAILED) != 0) {
            error = c.error();
        }
        closed |= (newEvents & TcpEvents.CLOSED) != 0;
        pump();
    }

    private void pump() {
        if (reading) {
            for (ByteBuf data = connection.read(readSize); data != null; data = connection.read(readSize)) {
                receivedTotal += data.readableBytes();
                if (!counting) {
                    received.writeBytes(io.netty.buffer.ByteBufUtil.getBytes(data));
                }
                data.release();
            }
            inputFinished |= connection.isInputFinished();
        }
        if (connection.isReleased() || connection.isOutputShut()) {
            return;
        }
        boolean wrote = false;
        while (endless) {
            int room = connection.writableBytes();
            if (room <= 0) {
                break;
            }
            ByteBuf chunk = allocator.directBuffer(65_536).writeZero(65_536);
            connection.write(chunk, 0, 65_536, TcpConnection.mayKeep(chunk));
            chunk.release();
            wrote = true;
        }
        while (sent < toSend.length) {
            int room = Math.min(connection.writableBytes(), toSend.length - sent);
            if (room <= 0) {
                break;
            }
            ByteBuf chunk = allocator.directBuffer(room).writeBytes(toSend, sent, room);
            connection.write(chunk, 0, room, room > 2048 && TcpConnection.mayKeep(chunk));
            chunk.release();
            sent += room;
            wrote = true;
        }
        if (wrote) {
            connection.flush(host.now());
        }
        if (sent == toSend.length && finishAfter) {
            finishAfter = false;
            connection.shutdownOutput(host.now());
        }
        host.scheduleTurn();
    }

    /** Writes, as room appears. */
    public SimSocket write(byte[] data) {
        byte[] all = java.util.Arrays.copyOf(toSend, toSend.length + data.length);
        System.arraycopy(data, 0, all, toSend.length, data.length);
        toSend = all;
        pump();
        return this;
    }

    /** Closes the output once everything is written. */
    public SimSocket finish() {
        finishAfter = true;
        pump();
        return this;
    }

    /** Only counts what is received. */
    public void counting() {
        counting = true;
    }

    /** Bytes received. */
    public long receivedTotal() {
        return receivedTotal;
    }

    /** Writes as long as the connection takes something. */
    public void endless() {
        endless = true;
        pump();
    }

    /** How much of what was given to {@link #write} the connection has taken. */
    public int taken() {
        return sent;
    }

    public SimSocket readSize(int bytes) {
        readSize = bytes;
        return this;
    }

    /** Reads or stops reading. */
    public SimSocket reading(boolean on) {
        reading = on;
        pump();
        return this;
    }

    public byte[] received() {
        return received.toByteArray();
    }

    public int receivedCount() {
        return received.size();
    }

    public void close() {
        connection.close(host.now());
        host.scheduleTurn();
    }

    public void abort() {
        connection.abort(host.now());
        host.scheduleTurn();
    }
}
