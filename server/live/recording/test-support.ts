import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { EncodedFrame } from '../../../pipeline/frames.ts';
import type { MediaFixtures } from '../../../pipeline/media/media-fixtures.ts';
import { TS_FIRST_PID, TS_OUTPUT_ARGS, TsReader } from '../../../pipeline/media/ts-reader.ts';
import { splitAnnexB } from '../../../pipeline/rtp/annex-b.ts';
import { flashAndBeep } from '../ingest/test-support.ts';
import type { ChannelRecorder } from './channel-recorder.ts';
import { finishRecording } from './finish-recording.ts';
import type { RecordingState } from './recording-state.ts';

export const SECOND_US = 1_000_000;
/** Media time at which tests begin to record: in the middle of a programme. */
export const START_US = 777 * SECOND_US;

/** For tests: picture and sound of the test clip as a publisher sends them, from media time `START_US` on. */
export function h264Clip(
  fixtures: MediaFixtures,
  seconds: number,
): { video: EncodedFrame[]; audio: EncodedFrame[] } {
  const file = fixtures.make(
    'clip.ts',
    ...flashAndBeep(seconds),
    ...['-c:v', 'libx264', '-profile:v', 'baseline', '-preset', 'ultrafast', '-g', '25'],
    ...['-pix_fmt', 'yuv420p', '-c:a', 'libopus', ...TS_OUTPUT_ARGS],
  );
  const video: EncodedFrame[] = [];
  const audio: EncodedFrame[] = [];
  let firstUs: number | undefined;
  new TsReader({
    codecs: new Map([
      [TS_FIRST_PID, 'h264'],
      [TS_FIRST_PID + 1, 'opus'],
    ]),
    onFrame: ({ pid, ptsUs, data }) => {
      if (pid === TS_FIRST_PID) firstUs ??= ptsUs;
      const mediaTimeUs = Math.round(START_US + ptsUs - (firstUs ?? ptsUs));
      if (pid !== TS_FIRST_PID) {
        audio.push({ kind: 'encoded', codec: 'opus', mediaTimeUs, durationUs: 20_000, keyframe: true, data });
        return;
      }
      const keyframe = splitAnnexB(data).some((nal) => (nal[0]! & 0x1f) === 5);
      video.push({ kind: 'encoded', codec: 'h264', mediaTimeUs, durationUs: 40_000, keyframe, data });
    },
  }).push(readFileSync(file));
  return { video, audio };
}

/**
 * For tests: what FFmpeg makes of an input, 25 pictures a second, as VP8 with nothing but its first picture for a keyframe.
 * @param options.fromUs media time of the first picture
 */
export function vp8Pictures(
  fixtures: MediaFixtures,
  options: { readonly name: string; readonly input: readonly string[]; readonly fromUs: number },
): EncodedFrame[] {
  const { name, input, fromUs } = options;
  const file = fixtures.make(
    `${name}.ivf`,
    ...[...input, '-an', '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8'],
    ...['-g', '1000', '-b:v', '500k'],
  );
  const data = readFileSync(file);
  const frames: EncodedFrame[] = [];
  for (let at = 32; at + 12 <= data.length; ) {
    const length = data.readUInt32LE(at);
    const mediaTimeUs = fromUs + frames.length * 40_000;
    const unit = data.subarray(at + 12, at + 12 + length);
    const keyframe = (unit[0]! & 1) === 0;
    frames.push({ kind: 'encoded', codec: 'vp8', mediaTimeUs, durationUs: 40_000, keyframe, data: unit });
    at += 12 + length;
  }
  return frames;
}

/** For tests: each picture of an MP4 and how bright it is. */
export function brightness(file: string): { ms: number; isBright: boolean }[] {
  const times = execFileSync('ffprobe', [
    ...['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'frame=pts_time', '-of', 'csv=p=0', file],
  ]);
  const luma = execFileSync('ffmpeg', [
    ...['-v', 'error', '-i', file, '-map', '0:v:0', '-vf', 'scale=1:1:flags=area,format=gray'],
    ...['-fps_mode', 'passthrough', '-f', 'rawvideo', '-'],
  ]);
  return times
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((time, i) => ({ ms: Number.parseFloat(time) * 1000, isBright: (luma[i] ?? 0) > 120 }));
}

/** For tests: ms at which the picture of an MP4 turns white. */
export function flashesMs(file: string): number[] {
  const pictures = brightness(file);
  return pictures.flatMap(({ ms, isBright }, i) =>
    i > 0 && isBright && !pictures[i - 1]!.isBright ? [ms] : [],
  );
}

/** For tests: ends a recording and makes all its files. */
export async function finished(recorder: ChannelRecorder): Promise<RecordingState> {
  const { signal } = new AbortController();
  return await finishRecording({ folder: recorder.folder, state: await recorder.close(), signal });
}
