import { existsSync } from 'node:fs';
import { AAC_PRIMING_SAMPLES, type AacSpool } from './aac-spool.ts';
import { type Disclosure, disclosureTags } from './disclosure.ts';
import { iso6392 } from './iso639.ts';
import { inputArgs, type MediaInfo } from './probe.ts';

export interface MuxPlan {
  readonly input: MediaInfo;
  readonly tracks: readonly { readonly language: string; readonly title: string }[];
  readonly originalTitle: string;
  readonly originalLanguage?: string;
  readonly audioTrack?: number;
  readonly spools: readonly AacSpool[];
  readonly partial: boolean;
  readonly dubbedUs: number;
  /** Said of the file besides. */
  readonly remark?: string;
  readonly copyPicture: boolean;
  /** H.264 in MP4 that takes the place of the input's picture. */
  readonly pictureFile?: string;
  readonly copySound: boolean;
  /** File to write. */
  readonly made: string;
}

/** FFmpeg's arguments for the last step: everything into one MP4, index first. */
export function muxArgs(plan: MuxPlan): string[] {
  const { input } = plan;
  const original =
    input.audio[
      plan.audioTrack ??
        Math.max(
          0,
          input.audio.findIndex((track) => track.isDefault),
        )
    ]!;
  const dubs = dubsOf(plan);
  const inputs = ['-fflags', '+genpts+discardcorrupt', ...inputArgs(input)];
  const { pictureFile } = plan;
  const maps = input.video === undefined ? [] : ['-map', pictureFile ? '1:v:0' : `0:${input.video.index}`];
  // Its times count from media time 0 already, even where its first picture comes later.
  if (pictureFile)
    inputs.push('-seek_timestamp', '1', '-protocol_whitelist', 'file', '-i', `file:${pictureFile}`);
  maps.push('-map', `0:${original.index}`);
  dubs.forEach(({ spool }, index) => {
    inputs.push(...dubInput(spool));
    maps.push('-map', `${index + (pictureFile ? 2 : 1)}:a:0`);
  });
  return [
    ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-y'],
    ...inputs,
    ...maps,
    ...pictureArgs(plan),
    ...soundArgs(original.copyToMp4 && plan.copySound, original.channels),
    ...labels(
      plan,
      original.language,
      dubs.map(({ track }) => track),
    ),
    ...(plan.partial ? ['-t', (plan.dubbedUs / 1e6).toFixed(6)] : []),
    ...[
      '-map_chapters',
      '0',
      '-max_muxing_queue_size',
      '4096',
      '-movflags',
      '+faststart',
      '-f',
      'mp4',
      `file:${plan.made}`,
    ],
  ];
}

/** The same for a file of nothing but one dubbed track and the picture made for it. */
export function companionArgs(plan: MuxPlan & { readonly pictureFile: string }): string[] {
  const [dub] = dubsOf(plan);
  const { partial, dubbedUs } = plan;
  const title = dubTitle(dub!.track.title, partial);
  return [
    ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-y'],
    ...['-seek_timestamp', '1', '-protocol_whitelist', 'file', '-i', `file:${plan.pictureFile}`],
    ...dubInput(dub!.spool),
    ...['-map', '0:v:0', '-map', '1:a:0', '-c', 'copy'],
    ...trackLabels({
      ...{ original: undefined, dubs: [{ ...dub!.track, title }], hasPicture: true },
      remark: disclosureOf(plan).remark,
    }),
    // The only sound there is plays without being chosen.
    ...['-disposition:a:0', 'default+dub'],
    ...(partial ? ['-t', (dubbedUs / 1e6).toFixed(6)] : []),
    ...['-max_muxing_queue_size', '4096', '-movflags', '+faststart', '-f', 'mp4', `file:${plan.made}`],
  ];
}

/** Shifted back by the encoder's priming, the first sample of the dub falls on media time 0; MP4 hides what is before. */
function dubInput({ file }: AacSpool): string[] {
  const shift = `-${(AAC_PRIMING_SAMPLES / 48_000).toFixed(6)}`;
  return ['-itsoffset', shift, '-f', 'aac', '-protocol_whitelist', 'file', '-i', `file:${file}`];
}

function pictureArgs({ input, copyPicture, pictureFile }: MuxPlan): string[] {
  if (input.video === undefined) return [];
  if (pictureFile) return ['-c:v', 'copy'];
  if (!copyPicture) {
    // H.264 with 4:2:0 needs even sizes, and nothing else plays everywhere.
    const even = 'pad=ceil(iw/2)*2:ceil(ih/2)*2,format=yuv420p';
    return ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-vf', even];
  }
  if (input.video.codec === 'hevc') return ['-c:v', 'copy', '-tag:v', 'hvc1'];
  // AVI packs two pictures into one packet, which MP4 does not allow.
  return ['-c:v', 'copy'];
}

function soundArgs(copyOriginal: boolean, channels: number): string[] {
  const args = ['-c:a', 'copy'];
  if (copyOriginal) return args;
  const bitrate = channels === 1 ? '96k' : channels === 2 ? '160k' : '320k';
  args.push('-c:a:0', 'aac', '-aac_coder', 'fast', '-b:a:0', bitrate);
  args.push('-filter:a:0', 'aresample=48000:async=1:min_hard_comp=0.03:first_pts=0');
  if (channels > 6) args.push('-ac:a:0', '2');
  return args;
}

/** What the made file says of its dubs. */
export function disclosureOf(plan: MuxPlan): Disclosure {
  const dubs = dubsOf(plan).map(({ track }) => dubTitle(track.title, plan.partial));
  const partial = plan.partial ? ` Partial result: stopped after ${(plan.dubbedUs / 1e6).toFixed(1)} s.` : '';
  const remark = `${plan.remark ? ` ${plan.remark}` : ''}${partial}`;
  return remark === '' ? { dubs } : { dubs, remark };
}

/** Tracks on which something was said at all. */
function dubsOf({ spools, tracks }: MuxPlan) {
  return spools.flatMap((spool, index) => (existsSync(spool.file) ? [{ spool, track: tracks[index]! }] : []));
}

function labels(
  plan: MuxPlan,
  spoken: string | undefined,
  dubs: readonly { language: string; title: string }[],
): string[] {
  const original = { language: plan.originalLanguage ?? spoken ?? 'und', title: plan.originalTitle };
  const marked = dubs.map((dub) => ({ ...dub, title: dubTitle(dub.title, plan.partial) }));
  return trackLabels({
    original,
    dubs: marked,
    hasPicture: plan.input.video !== undefined,
    remark: disclosureOf(plan).remark,
  });
}

/** A sound track as players name it. */
export interface TrackLabel {
  /** ISO 639-1 or a tag such as `pt-BR`. */
  readonly language: string;
  readonly title: string;
}

/** FFmpeg's arguments that say of an MP4's sound tracks what they are: the original first, then the dubs. */
export function trackLabels(options: {
  readonly original: TrackLabel | undefined;
  readonly dubs: readonly TrackLabel[];
  readonly hasPicture: boolean;
  /** Added to the file's comment. */
  readonly remark?: string | undefined;
}): string[] {
  const { original, dubs, hasPicture, remark = '' } = options;
  const tracks = [...(original === undefined ? [] : [original]), ...dubs];
  const args = tracks.flatMap((track, index) => [
    ...[`-metadata:s:a:${index}`, `language=${iso6392(track.language)}`],
    ...[`-metadata:s:a:${index}`, `title=${track.title}`],
    ...[`-metadata:s:a:${index}`, `handler_name=${track.title}`],
    // Players start with the original; choosing a dub is up to the viewer.
    ...[`-disposition:a:${index}`, track === original ? 'default+original' : 'dub'],
  ]);
  if (hasPicture) args.push('-disposition:v:0', 'default');
  return [...args, ...disclosureTags({ dubs: dubs.map(({ title }) => title), remark })];
}

/** The title of a dubbed track always says that it is one. */
export function dubTitle(title: string, partial = false): string {
  const marked = /AI dub/iu.test(title) ? title : `${title} (AI dub)`;
  return partial ? `${marked} (partial)` : marked;
}
