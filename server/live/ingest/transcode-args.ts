import { inputArgs } from '../../../pipeline/media/probe.ts';
import { TS_OUTPUT_ARGS } from '../../../pipeline/media/ts-reader.ts';
import type { IngestFound, IngestInput, PictureFound } from './ingest-input.ts';
import { streamInputArgs } from './look.ts';

export type IngestTrackName = 'video' | 'audio' | 'speech';

export interface TranscodePlan {
  /** In the order in which FFmpeg's output has them. */
  readonly tracks: readonly IngestTrackName[];
  readonly args: readonly string[];
  /** The picture goes through as it came. */
  readonly copiesPicture: boolean;
}

export interface TranscodePlanOptions {
  readonly input: IngestInput;
  readonly found: IngestFound;
  /** Which sound is clean speech, counted from 0 among the sounds; there is none where the input has no such sound. */
  readonly speechTrack: number | undefined;
  /** A picture that has to be encoded is made no higher than this. Default 720. */
  readonly maxHeightPx?: number;
}

/** How FFmpeg turns an input into H.264 and Opus as WebRTC plays them. */
export function planTranscode(options: TranscodePlanOptions): TranscodePlan {
  const { input, found, maxHeightPx = 720 } = options;
  const { picture, sounds } = found;
  const speech = options.speechTrack === undefined ? undefined : sounds[options.speechTrack];
  const programme = sounds.find((index) => index !== speech) ?? speech;
  const tracks: IngestTrackName[] = [];
  const maps: string[] = [];
  const add = (name: IngestTrackName, index: number | undefined): void => {
    if (index === undefined) return;
    tracks.push(name);
    maps.push('-map', `0:${index}`);
  };
  add('video', picture?.index);
  add('audio', programme);
  if (speech !== programme) add('speech', speech);
  const source =
    input.kind === 'file'
      ? inputArgs({ path: input.path, isUrl: false })
      : streamInputArgs(input.format, 500);
  return {
    tracks,
    copiesPicture: picture?.playable ?? false,
    args: [
      ...['-nostdin', '-hide_banner', '-loglevel', 'repeat+warning'],
      ...['-fflags', '+genpts+discardcorrupt', ...source, ...maps, '-sn', '-dn', '-map_metadata', '-1'],
      ...(picture === undefined ? [] : pictureArgs(picture, maxHeightPx)),
      ...soundArgs(tracks),
      ...[...TS_OUTPUT_ARGS, 'pipe:1'],
    ],
  };
}

function pictureArgs(picture: PictureFound, maxHeightPx: number): string[] {
  if (picture.playable) return ['-c:v', 'copy'];
  const filters = [
    ...(picture.interlaced ? ['yadif'] : []),
    ...(picture.framesPerSecond > 31 ? ['fps=30'] : []),
    `scale=-2:'min(${maxHeightPx},trunc(ih/2)*2)'`,
    'format=yuv420p',
  ];
  return [
    ...['-vf', filters.join(','), '-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency'],
    // Nobody downstream can ask this encoder for a keyframe, so they come by the clock.
    ...['-profile:v', 'baseline', '-force_key_frames', 'expr:gte(t,n_forced*2)', '-sc_threshold', '0'],
    ...['-crf', '23', '-maxrate', '3M', '-bufsize', '3M', '-threads', '2'],
    // Each picture keeps its own time.
    ...['-fps_mode', 'vfr', '-enc_time_base', '1:90000'],
  ];
}

function soundArgs(tracks: readonly IngestTrackName[]): string[] {
  const sounds = tracks.filter((track) => track !== 'video');
  if (sounds.length === 0) return [];
  return [
    // Holes in the source become silence, so that packets follow each other by the sample.
    ...['-af', 'aresample=48000:async=1:min_hard_comp=0.05', '-ac', '2'],
    ...['-c:a', 'libopus', '-application', 'audio', '-frame_duration', '20', '-fec', '0', '-vbr', 'on'],
    ...sounds.flatMap((name, index) => [`-b:a:${index}`, name === 'speech' ? '64k' : '128k']),
  ];
}
