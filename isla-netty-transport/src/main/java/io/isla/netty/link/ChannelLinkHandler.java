/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.link;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DatagramPacket;
import io.netty.util.internal.ObjectUtil;
import io.netty.util.internal.PlatformDependent;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Has a channel carry a {@link ChannelLink}: each {@link ByteBuf} that is read is a frame for the link's host, and each frame of the
 * host is written as a {@code ByteBuf}. Goes last into the pipeline, one new handler for each channel, before the channel is active or at any time
 * later, such as after a handshake.
 *
 * <p>Of a {@link DatagramPacket} that is read the content is taken; who sent it is for the handlers before this one to check, unless the channel is
 * connected. Other messages are passed on. A frame that is read is taken over as it is, without a copy, and released once it is processed.
 *
 * <p>If channels carry the link one after the other, as those of a tunnel that is set up anew, frames are sent to the one whose handler became
 * active last, and received from all. Writes that fail count as {@link LinkCounter#TX_ERRORS}.
 */
public final class ChannelLinkHandler extends ChannelInboundHandlerAdapter {
    /** Frames written before others on the channel's event loop have their turn. */
    private static final int MAX_WRITES_PER_TURN = 256;

    private final ChannelLink link;
    private final Runnable drain = this::drain;
    private final ChannelFutureListener counting = this::written;

    /** Filled by the host's event loops, emptied by the channel's. */
    private final Queue<ByteBuf> outbox;
    /** Whether the channel's event loop has been asked to look into the outbox since it last did. */
    private final AtomicBoolean scheduled = new AtomicBoolean();

    private volatile ChannelHandlerContext context;
    private volatile boolean detached;
    private boolean attached;
    private boolean draining;

    /**
     * Creates a handler for one channel.
     *
     * @param link which it will carry
     */
    public ChannelLinkHandler(ChannelLink link) {
        this.link = ObjectUtil.checkNotNull(link, "link");
        outbox = PlatformDependent.newFixedMpscQueue(link.capacity());
    }

    // ------------------------------------------------------------------------------------------------ life

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
        if (ctx.channel().isActive()) {
            attach();
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        attach();
        ctx.fireChannelActive();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        detach();
        ctx.fireChannelInactive();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        detach();
    }

    private void attach() {
        if (!attached && !detached) {
            attached = true;
            link.attach(this);
        }
    }

    private void detach() {
        if (!detached) {
            link.detach(this);
            detached = true;
            discard();
        }
    }

    // ------------------------------------------------------------------------------------------------ from the channel

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (message instanceof ByteBuf frame) {
            link.receive(frame);
        } else if (message instanceof DatagramPacket packet) {
            // The packet's one reference is its content's.
            link.receive(packet.content());
        } else {
            ctx.fireChannelRead(message);
        }
    }

    // ------------------------------------------------------------------------------------------------ to the channel

    /**
     * Takes a frame to be written, which is ours whatever becomes of it. Any thread.
     *
     * @return whether there was room
     */
    boolean offer(ByteBuf frame) {
        if (!outbox.offer(frame)) {
            frame.release();
            return false;
        }
        if (detached) {
            // Perhaps after the outbox has been emptied for the last time.
            discard();
        }
        return true;
    }

    /** Has the channel's event loop write what was taken. Never at once: no user's handler is to run in the middle of the host's work. Any thread. */
    void flush() {
        if (!scheduled.get() && scheduled.compareAndSet(false, true)) {
            try {
                context.executor().execute(drain);
            } catch (RejectedExecutionException e) {
                // The event loop has ended, and the channel with it.
                discard();
            }
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        drain();
        ctx.fireChannelWritabilityChanged();
    }

    private void drain() {
        if (draining || detached) {
            return;
        }
        draining = true;
        // Before the look: a frame that comes after it asks again.
        scheduled.set(false);
        int writes = 0;
        boolean more;
        do {
            int before = writes;
            while (writes < MAX_WRITES_PER_TURN
                    && !detached
                    && context.channel().isWritable()) {
                ByteBuf frame = outbox.poll();
                if (frame == null) {
                    break;
                }
                context.write(frame).addListener(counting);
                writes++;
            }
            if (writes > before) {
                context.flush();
            }
            more = !detached && context.channel().isWritable() && !outbox.isEmpty();
        } while (more && writes < MAX_WRITES_PER_TURN);
        draining = false;
        if (more) {
            flush();
        }
    }

    private void written(ChannelFuture future) {
        if (!future.isSuccess()) {
            link.increment(LinkCounter.TX_ERRORS);
        }
    }

    /** Once the channel reads the outbox no more, several threads may find something in it; it has room for one reader. */
    private synchronized void discard() {
        for (ByteBuf frame = outbox.poll(); frame != null; frame = outbox.poll()) {
            frame.release();
            link.increment(LinkCounter.TX_LINK_DOWN);
        }
    }
}
