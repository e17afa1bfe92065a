/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.sim;

import io.isla.netty.link.Link;
import io.isla.netty.link.PcapngFile;
import io.isla.netty.wire.IpAddress;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

/** What can be seen of a network afterwards: the last packets, as text, and capture files. On the network's thread, but where it says otherwise. */
final class Recorder {
    /** Virtual time begins with the year 2000. */
    private static final long EPOCH_NANOS = 946_684_800L * 1_000_000_000L;

    private static final int WHOLE_FRAMES = 256 * 1024;
    private static final int MAX_FLOWS = 20_000;

    private final VirtualNetwork network;
    private final TracedPacket[] ring;
    private int next;
    private long traced;
    /** Those of all links. */
    private final List<Capture> all = new ArrayList<>();

    private final List<Capture> files = new CopyOnWriteArrayList<>();
    /** The first sequence number of each direction of a connection. */
    private final Map<FlowKey, Integer> firstSequenceNumbers = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<FlowKey, Integer> eldest) {
            return size() > MAX_FLOWS;
        }
    };
    /** The channels that have sent, by their connections. */
    private final Map<FlowKey, Channel> channels = new HashMap<>();

    /** A file, and what is known of it. */
    static final class Capture {
        private final PcapngFile file;
        private final Map<VirtualLink, Integer> interfaces = new HashMap<>();
        /** What has been done to the network since the last packet in the file. */
        private String pendingNote;

        Capture(PcapngFile file) {
            this.file = file;
        }

        PcapngFile file() {
            return file;
        }
    }

    /**
     * One direction of a connection.
     *
     * @param source of the packets
     * @param sourcePort of the packets
     * @param destination of the packets
     * @param destinationPort of the packets
     */
    record FlowKey(IpAddress source, int sourcePort, IpAddress destination, int destinationPort) {}

    Recorder(VirtualNetwork network, int traceLength) {
        this.network = network;
        ring = new TracedPacket[traceLength];
    }

    // ------------------------------------------------------------------------------------------------ files

    Capture open(Path path) {
        try {
            return add(PcapngFile.create(path, this::timestamp, Long.MAX_VALUE, WHOLE_FRAMES));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot create capture file " + path + ": " + e.getMessage(), e);
        }
    }

    /** Captures all links. */
    Capture captureAll(Path path) {
        Capture capture = open(path);
        all.add(capture);
        return capture;
    }

    /** Captures all links. */
    Capture captureAll(OutputStream out, long maxBytes) {
        Capture capture = add(PcapngFile.to(out, this::timestamp, maxBytes, WHOLE_FRAMES));
        all.add(capture);
        return capture;
    }

    private Capture add(PcapngFile file) {
        Capture capture = new Capture(file);
        files.add(capture);
        return capture;
    }

    private long timestamp() {
        return EPOCH_NANOS + network.nanoTime();
    }

    /** Writes out what is collected. Any thread. */
    void flush() {
        files.forEach(capture -> capture.file.flush());
    }

    void close() {
        for (Capture capture : files) {
            try {
                capture.file.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ packets

    /** Notes what has been done to the network; with the next packet in the files. */
    void note(String text) {
        String line = TracedPacket.time(network.nanoTime()) + " --- " + text;
        if (ring.length > 0) {
            ring[next] = TracedPacket.note(line);
            advance();
        }
        for (Capture capture : files) {
            capture.pendingNote = join(capture.pendingNote, line);
        }
    }

    private void advance() {
        next = next + 1 == ring.length ? 0 : next + 1;
        traced++;
    }

    void onPacket(VirtualLink link, Port from, ByteBuf frame, LinkDirection.Fate fate, List<Capture> ofLink) {
        if (ring.length > 0) {
            TracedPacket reused = ring[next];
            if (reused == null || reused.isNote()) {
                reused = new TracedPacket();
                ring[next] = reused;
            }
            reused.set(network.nanoTime(), link, from, frame, fate);
            advance();
            if (from.node() instanceof VirtualHost && TracedPacket.isSyn(frame)) {
                firstSequenceNumbers.put(TracedPacket.flow(frame), TracedPacket.sequenceNumber(frame));
            }
        }
        write(all, link, from, frame, fate);
        write(ofLink, link, from, frame, fate);
    }

    private void write(List<Capture> to, VirtualLink link, Port from, ByteBuf frame, LinkDirection.Fate fate) {
        for (int i = 0; i < to.size(); i++) {
            write(to.get(i), link, from, frame, fate);
        }
    }

    private void write(Capture capture, VirtualLink link, Port from, ByteBuf frame, LinkDirection.Fate fate) {
        int number = capture.interfaces.computeIfAbsent(
                link, added -> capture.file.addInterface(added.name(), Link.Medium.ETHERNET));
        PcapngFile.Direction direction =
                from == link.a() ? PcapngFile.Direction.OUTBOUND : PcapngFile.Direction.INBOUND;
        String comment = comment(capture.pendingNote, from, frame, fate);
        capture.pendingNote = null;
        capture.file.write(number, direction, frame, frame.readerIndex(), frame.readableBytes(), comment);
    }

    private String comment(String note, Port from, ByteBuf frame, LinkDirection.Fate fate) {
        String comment = note;
        if (fate != LinkDirection.Fate.SENT) {
            comment = join(comment, fate.toString());
        }
        if (from.node() instanceof VirtualHost host) {
            Channel channel = channel(host, frame);
            if (channel != null) {
                comment = join(comment, "channel " + channel.id().asShortText());
            }
        }
        return comment;
    }

    private static String join(String comment, String more) {
        return comment == null ? more : comment + "; " + more;
    }

    /** The channel that has sent a packet; {@code null} if it is not known. */
    private Channel channel(VirtualHost host, ByteBuf frame) {
        FlowKey flow = TracedPacket.flow(frame);
        if (flow == null || network.isRealTime()) {
            return null;
        }
        Channel known = channels.get(flow);
        if (known != null && known.isOpen()) {
            return known;
        }
        for (Channel channel : host.channels()) {
            if (flow.equals(TracedPacket.flow(channel)) || TracedPacket.isConnecting(channel, flow)) {
                channels.put(flow, channel);
                channel.closeFuture().addListener(closed -> channels.remove(flow, channel));
                return channel;
            }
        }
        return null;
    }

    // ------------------------------------------------------------------------------------------------ text

    /** The last packets that a filter lets through, and what was done to the network, a line each. Any thread that can be sure that nothing happens meanwhile. */
    String trace(Predicate<TracedPacket> filter) {
        List<String> lines = new ArrayList<>();
        if (traced > ring.length) {
            lines.add("(" + (traced - ring.length) + " packets before)");
        }
        Map<FlowKey, Integer> seen = new HashMap<>();
        for (int i = 0; i < ring.length; i++) {
            TracedPacket packet = ring[(next + i) % ring.length];
            if (packet != null && (packet.isNote() || filter.test(packet))) {
                lines.add(packet.print(
                        flow -> firstSequenceNumbers.containsKey(flow)
                                ? firstSequenceNumbers.get(flow)
                                : seen.get(flow),
                        seen::putIfAbsent));
            }
        }
        return String.join("\n", lines);
    }
}
