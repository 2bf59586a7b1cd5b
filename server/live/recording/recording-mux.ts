import path from 'node:path';
import { MOVED_LIPS_REMARK } from '../../../pipeline/media/disclosure.ts';
import { iso6392 } from '../../../pipeline/media/iso639.ts';
import { dubTitle, type TrackLabel, trackLabels } from '../../../pipeline/media/recorder-mux.ts';
import { languageName } from '../../language-name.ts';
import { faceKey } from '../face-tracks.ts';
import { type MovedSpan, spansExpression, TOLERANCE_MS } from './moved-spans.ts';
import type { RecordingPart, RecordingState } from './recording-state.ts';

/** A part that holds something. */
export interface UsablePart extends RecordingPart {
  readonly widthPx: number;
  readonly heightPx: number;
}

export interface MuxPlan {
  readonly folder: string;
  readonly state: RecordingState;
  readonly parts: readonly UsablePart[];
  /** Languages of the caption files that go in. */
  readonly captions: readonly string[];
}

export interface FacePlan extends MuxPlan {
  readonly language: string;
  /** When the moved picture is shown. */
  readonly spans: readonly MovedSpan[];
}

/** FFmpeg's arguments, without the file to write: the picture as filmed, every sound and all captions in one MP4. */
export function recordingArgs({ parts, ...plan }: MuxPlan): string[] {
  const pictures = filmedOf(parts);
  const original = originalOf(parts);
  const dubs = dubsOf(parts);
  const { state } = plan;
  return mp4Args(plan, {
    pictures,
    pictureArgs: filmedArgs(pictures),
    sounds: original === undefined ? dubs : [original, ...dubs],
    labels: trackLabels({
      original:
        original === undefined
          ? undefined
          : { language: state.from, title: `${languageName(state.from)} (original)` },
      dubs: dubs.map(labelOf),
      hasPicture: pictures.length > 0,
    }),
  });
}

/**
 * The same for a file of one dub with the picture that was moved for it: the picture as filmed goes through all of it, at its own
 * times, and is covered by the moved one while there is one.
 */
export function faceArgs({ parts, language, spans, ...plan }: FacePlan): string[] {
  const filmed = filmedOf(parts);
  const moved = partsOf(parts, faceKey(language));
  const pictures = [...filmed, ...moved];
  const size = sizeOf(pictures);
  const graph = [
    ...joined(filmed, 0, size, 'filmed'),
    ...joined(moved, filmed.length, size, 'together'),
    // The times of one picture on its two ways may differ by a rounding.
    `[together]setpts=PTS-${TOLERANCE_MS / 1000}/TB[moved]`,
    // Beside the picture it covers nothing.
    `[filmed][moved]overlay=x='if(${spansExpression(spans)},0,W)':y=0:format=yuv420[v]`,
  ];
  const sounds = partsOf(parts, mixKey(language));
  return mp4Args(plan, {
    ...{ pictures, sounds, pictureArgs: encoded(graph) },
    labels: [
      ...trackLabels({
        ...{ original: undefined, dubs: sounds.map(labelOf), hasPicture: true },
        remark: ` ${MOVED_LIPS_REMARK}`,
      }),
      // The only sound there is plays without being chosen.
      ...['-disposition:a:0', 'default+dub'],
    ],
  });
}

/** Titles of the dubbed sounds. */
export function dubTitles(parts: readonly RecordingPart[]): string[] {
  return dubsOf(parts).map((part) => labelOf(part).title);
}

/** Of these parts, those that a language's face file is made of. */
export function facePartsOf<Part extends RecordingPart>(parts: readonly Part[], language: string): Part[] {
  const own = [faceKey(language), mixKey(language)];
  return parts.filter((part) => own.includes(part.track) || isFilmed(part));
}

/** Whether a track is a picture that was moved for a language. */
export function isMoved(track: string): boolean {
  return track.startsWith('face:');
}

function mixKey(language: string): string {
  return `mix:${language}:synced`;
}

function isFilmed({ track, codec }: RecordingPart): boolean {
  return codec !== 'opus' && !isMoved(track);
}

function filmedOf<Part extends RecordingPart>(parts: readonly Part[]): Part[] {
  return parts.filter(isFilmed);
}

function partsOf<Part extends RecordingPart>(parts: readonly Part[], key: string): Part[] {
  return parts.filter(({ track }) => track === key);
}

function originalOf<Part extends RecordingPart>(parts: readonly Part[]): Part | undefined {
  return parts.find(({ track }) => track.endsWith(':audio'));
}

function dubsOf<Part extends RecordingPart>(parts: readonly Part[]): Part[] {
  const original = originalOf(parts);
  return parts.filter((part) => part.codec === 'opus' && part !== original);
}

function labelOf({ track }: RecordingPart): TrackLabel {
  const language = track.split(':')[1]!;
  return { language, title: dubTitle(languageName(language)) };
}

interface Content {
  readonly pictures: readonly RecordingPart[];
  /** What becomes of them; they are the first inputs. */
  readonly pictureArgs: readonly string[];
  readonly sounds: readonly RecordingPart[];
  readonly labels: readonly string[];
}

function mp4Args(
  { folder, state, captions }: Omit<MuxPlan, 'parts'>,
  { pictures, pictureArgs, sounds, labels }: Content,
): string[] {
  const files = [...[...pictures, ...sounds].map(({ file }) => file), ...captions.map((one) => `${one}.srt`)];
  const firstText = pictures.length + sounds.length;
  const streams = [
    ...sounds.map((_, index) => `${pictures.length + index}:a:0`),
    ...captions.map((_, index) => `${firstText + index}:s:0`),
  ];
  return [
    ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-y'],
    // Times are those of the recording, in every part: none is shifted to begin at 0.
    '-copyts',
    ...files.flatMap((file) => ['-protocol_whitelist', 'file', '-i', `file:${path.join(folder, file)}`]),
    ...pictureArgs,
    ...streams.flatMap((stream) => ['-map', stream]),
    ...['-c:a', 'aac', '-aac_coder', 'fast', '-b:a', '128k'],
    ...['-af', 'aresample=48000:async=1:min_hard_comp=0.03:first_pts=0'],
    ...(captions.length === 0 ? [] : ['-c:s', 'mov_text']),
    ...captions.flatMap((language, index) => [
      ...[`-metadata:s:s:${index}`, `language=${iso6392(language)}`],
      ...[`-metadata:s:s:${index}`, `handler_name=${languageName(language)}`],
    ]),
    ...labels,
    ...['-metadata', `title=${state.title}`, '-metadata', `creation_time=${state.startedAt}`],
    ...['-max_muxing_queue_size', '8192', '-movflags', '+faststart', '-f', 'mp4'],
  ];
}

function filmedArgs(pictures: readonly UsablePart[]): string[] {
  if (pictures.length === 0) return [];
  if (pictures.length === 1 && pictures[0]!.codec === 'h264') return ['-map', '0:v:0', '-c:v', 'copy'];
  return encoded(joined(pictures, 0, sizeOf(pictures), 'v'));
}

interface Size {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Holds every part; even, as H.264 wants it. */
function sizeOf(pictures: readonly UsablePart[]): Size {
  const even = (px: number) => Math.max(2, Math.ceil(px / 2) * 2);
  return {
    widthPx: even(Math.max(...pictures.map((part) => part.widthPx))),
    heightPx: even(Math.max(...pictures.map((part) => part.heightPx))),
  };
}

/** Filters that make one picture of one size, `[label]`, of parts that follow each other in time. */
function joined(
  parts: readonly UsablePart[],
  firstInput: number,
  { widthPx, heightPx }: Size,
  label: string,
): string[] {
  const size = `${widthPx}:${heightPx}`;
  const fit = `scale=${size}:force_original_aspect_ratio=decrease,pad=${size}:(ow-iw)/2:(oh-ih)/2,setsar=1,format=yuv420p`;
  if (parts.length === 1) return [`[${firstInput}:v:0]${fit}[${label}]`];
  const chains = parts.map((_, index) => `[${firstInput + index}:v:0]${fit}[${label}${index}]`);
  const labels = parts.map((_, index) => `[${label}${index}]`).join('');
  return [...chains, `${labels}interleave=n=${parts.length}[${label}]`];
}

/** Encodes what a graph makes, `[v]`; each picture keeps its own time. */
function encoded(graph: readonly string[]): string[] {
  return [
    ...['-filter_complex', graph.join(';'), '-map', '[v]'],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '21', '-g', '100'],
    ...['-fps_mode', 'passthrough', '-enc_time_base', '1:90000', '-video_track_timescale', '90000'],
  ];
}
