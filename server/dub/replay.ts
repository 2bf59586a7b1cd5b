import { OpusEncoder } from '../../pipeline/audio/opus.ts';
import type { DubChannel } from '../../pipeline/dub-channel.ts';
import type { AudioFrame, EncodedFrame } from '../../pipeline/frames.ts';
import { MediaTimeline } from '../../pipeline/rtp/media-time.ts';
import { createPacketiser } from '../../pipeline/rtp/packetiser.ts';
import { RtpTrackReceiver } from '../../pipeline/rtp/track-receiver.ts';
import type { SfuRouter } from '../../sfu/router.ts';
import type { RtpTap } from '../../sfu/rtp-tap.ts';

/**
 * Capture time given to media time 0 of a replay. A file was captured at no known time; a fixed one makes every replay of
 * it the same to the bit.
 */
export const REPLAY_ORIGIN_US = Date.UTC(2020, 0, 1) * 1000;

/** How far the replay may run ahead of what the channel has worked off, µs of media. */
const WINDOW_US = 6_000_000;

export interface ReplayOptions {
  /** 48 kHz sound, continuous from media time 0. */
  frames: AsyncIterable<AudioFrame>;
  router: SfuRouter;
  channel: DubChannel;
  channels: 1 | 2;
  signal: AbortSignal;
}

/**
 * Plays a file into the router as RTP, as fast as the channel works it off, and the router's track into the channel: the
 * way of a live ingest, paced by media time. Resolves when the channel has taken in everything.
 */
export async function replay(options: ReplayOptions): Promise<void> {
  const { router, channel, signal } = options;
  const feed = await router.createFeed({ codec: 'opus', cname: 'replay' });
  let tap: RtpTap | undefined;
  try {
    tap = await tapOpus(router, feed.id, (frame) => channel.push(frame));
    const packetiser = createPacketiser({ ...feed.packetiserOptions, originUs: REPLAY_ORIGIN_US });
    const encoder = new OpusEncoder({ channels: options.channels });
    const send = async (packets: readonly EncodedFrame[]) => {
      for (const packet of packets) {
        packetiser.packetise(packet, (rtp) => feed.send(rtp));
        if (channel.workedOffUs < packet.mediaTimeUs - WINDOW_US)
          await channel.workedOff(packet.mediaTimeUs - WINDOW_US);
      }
      if (feed.bufferedPackets > 128) await feed.ready(signal);
    };
    for await (const frame of options.frames) {
      signal.throwIfAborted();
      await send(encoder.encode(frame));
    }
    await send(encoder.flush());
    await feed.flushed(signal);
    feed.close();
    await tap.ended;
  } finally {
    feed.close();
    tap?.close();
  }
}

/** Reads an Opus track out of a router as frames on the replay's media time, until it ends. */
export async function tapOpus(
  router: SfuRouter,
  producerId: string,
  onFrame: (frame: EncodedFrame) => void,
): Promise<RtpTap> {
  let receiver: RtpTrackReceiver | undefined;
  const tap = await router.createTap({
    producerId,
    // A replay is paced by the sender, so arrival says nothing: packets are only ever missed by sequence and media time.
    onPacket: (packet) => receiver!.push(packet, 0),
  });
  receiver = new RtpTrackReceiver({
    codec: 'opus',
    payloadType: tap.payloadType,
    captureTimeId: tap.captureTimeId,
    timeline: new MediaTimeline({ originUs: REPLAY_ORIGIN_US }),
    onFrame,
  });
  void tap.ended.then(
    () => receiver.flush(),
    () => undefined,
  );
  return tap;
}
