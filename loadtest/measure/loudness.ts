import { LivedubError } from '../../pipeline/errors.ts';
import { runTool } from '../../pipeline/media/tool-process.ts';

export interface TrackLoudness {
  /** Integrated, EBU R 128. */
  readonly lufs: number;
  /** dBTP. */
  readonly truePeakDb: number;
}

/**
 * Loudness of one sound track as FFmpeg's ebur128 meter measures it: not our own meter, which made it.
 * @param audioTrack counted from 0 among the sound tracks
 */
export async function measureLoudness(
  path: string,
  audioTrack: number,
  signal: AbortSignal,
): Promise<TrackLoudness> {
  const filter = 'ebur128=peak=true:framelog=verbose';
  const { stderr } = await runTool({
    tool: 'ffmpeg',
    args: [
      ...['-hide_banner', '-nostats', '-i', path],
      ...['-map', `0:a:${audioTrack}`, '-af', filter, '-f', 'null', '-'],
    ],
    signal,
  });
  return readLoudness(stderr);
}

/** Reads the summary that ebur128 prints at the end. @throws LivedubError LIVEDUB_E_INPUT_UNREADABLE */
export function readLoudness(text: string): TrackLoudness {
  const summary = text.slice(text.lastIndexOf('Summary:'));
  const lufs = /I:\s+(-?[\d.]+|-inf) LUFS/.exec(summary)?.[1];
  const peak = /Peak:\s+(-?[\d.]+|-inf) dBFS/.exec(summary)?.[1];
  if (lufs === undefined || peak === undefined)
    throw new LivedubError(
      'LIVEDUB_E_INPUT_UNREADABLE',
      `ebur128 measured nothing: ${text.trim().slice(-200)}`,
    );
  const number = (from: string) => (from === '-inf' ? Number.NEGATIVE_INFINITY : Number(from));
  return { lufs: number(lufs), truePeakDb: number(peak) };
}
