import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { types } from 'mediasoup';
import { OpusDecoder } from '../../../pipeline/audio/opus.ts';
import type { EncodedFrame } from '../../../pipeline/frames.ts';
import { onsetsMs } from '../../../pipeline/media/media-fixtures.ts';
import type { MediaTimeline } from '../../../pipeline/rtp/media-time.ts';
import { RtpTrackReceiver } from '../../../pipeline/rtp/track-receiver.ts';
import type { SfuRouter } from '../../../sfu/router.ts';

/** For tests: what comes out of the router for one track, as frames on the capture clock. */
export class TestReceiver {
  readonly frames: EncodedFrame[] = [];
  readonly arrivalsMs: number[] = [];
  reports = 0;

  static async open(
    router: SfuRouter,
    producer: types.Producer,
    timeline: MediaTimeline,
  ): Promise<TestReceiver> {
    const self = new TestReceiver();
    const tap = await router.createTap({
      producerId: producer.id,
      onPacket: (packet) => receiver.push(packet, performance.now() * 1000),
      onSenderReport: () => {
        self.reports += 1;
      },
    });
    const receiver = new RtpTrackReceiver({
      codec: tap.codec!,
      payloadType: tap.payloadType,
      captureTimeId: tap.captureTimeId,
      timeline,
      onFrame: (frame) => {
        self.frames.push(frame);
        self.arrivalsMs.push(performance.now());
      },
    });
    tap.ended.then(
      () => receiver.flush(),
      () => {},
    );
    return self;
  }

  /** Media times (ms) at which the picture turns white. */
  flashesMs(scratchFile: string): number[] {
    writeFileSync(scratchFile, Buffer.concat(this.frames.map((frame) => frame.data)));
    const luma = execFileSync('ffmpeg', [
      ...['-v', 'error', '-i', scratchFile, '-vf', 'scale=1:1:flags=area,format=gray'],
      ...['-fps_mode', 'passthrough', '-f', 'rawvideo', '-'],
    ]);
    return this.frames.flatMap((frame, i) =>
      // The first picture begins with no flash.
      i > 0 && (luma[i] ?? 0) > 120 && (luma[i - 1] ?? 0) <= 120 ? [frame.mediaTimeUs / 1000] : [],
    );
  }

  /** Media times (ms) at which a beep begins. */
  beepsMs(): number[] {
    const decoder = new OpusDecoder({ channels: 1 });
    const first = this.frames[0]!.mediaTimeUs;
    const pcm = Float32Array.from(
      this.frames.flatMap((frame) => Array.from(decoder.decode(frame).planes[0]!)),
    );
    return onsetsMs(pcm).map((ms) => ms + first / 1000);
  }
}

/** FFmpeg's arguments for a picture that flashes and a sound that beeps at every second full second. */
export function flashAndBeep(seconds: number): string[] {
  return [
    ...['-f', 'lavfi', '-i'],
    `color=black:s=320x240:r=25:d=${seconds},drawbox=c=white:t=fill:enable='between(mod(t,2),1,1.09)'`,
    ...['-f', 'lavfi', '-i'],
    `aevalsrc='0.6*sin(2*PI*1000*t)*between(mod(t,2),1,1.05)':s=48000:d=${seconds}`,
  ];
}
