import { createInterface } from 'node:readline';
import { startTool } from '../../../pipeline/media/tool-process.ts';
import { throwIfEnded } from './throw-if-ended.ts';

/** A stretch of a recording in which the moved picture is shown, ms since the start of the recording. */
export interface MovedSpan {
  readonly startMs: number;
  /** Of the last moved picture. */
  readonly endMs: number;
}

/** So much the times of a picture as filmed and of the same one moved may differ: less than from one picture to the next. */
export const TOLERANCE_MS = 8;
/** A moved picture stands in for those after it that were not made, at a low rate; beyond, the picture is as filmed. */
const MAX_STEP_MS = 500;
/** What FFmpeg can be told in one argument. Of more, the shortest are left as filmed. */
const MAX_SPANS = 2000;

/**
 * When there are moved pictures, from the files that hold nothing else, in order. Reads as far as a crash has left them whole.
 * @throws LivedubError LIVEDUB_E_DEPENDENCY_MISSING, LIVEDUB_E_WORKER_DIED; the signal's reason
 */
export async function readMovedSpans(files: readonly string[], signal: AbortSignal): Promise<MovedSpan[]> {
  const spans: MovedSpan[] = [];
  let span: { startMs: number; endMs: number } | undefined;
  for (const file of files)
    for await (const atMs of pictureTimes(file, signal)) {
      if (span !== undefined && atMs - span.endMs <= MAX_STEP_MS) {
        span.endMs = Math.max(span.endMs, atMs);
        continue;
      }
      span = { startMs: atMs, endMs: atMs };
      spans.push(span);
    }
  return longest(spans);
}

/**
 * Whether a time is in one of the spans, for FFmpeg's filters: `t` in seconds, not 0 where it is. Halves the spans again and again,
 * so that many of them cost no more than a few.
 * @param spans in order, at least one
 */
export function spansExpression(spans: readonly MovedSpan[]): string {
  const seconds = (ms: number) => (ms / 1000).toFixed(3);
  if (spans.length === 1) {
    const { startMs, endMs } = spans[0]!;
    return `between(t,${seconds(startMs - TOLERANCE_MS)},${seconds(endMs + TOLERANCE_MS)})`;
  }
  const middle = spans.length >> 1;
  const [before, after] = [spans.slice(0, middle), spans.slice(middle)];
  const from = seconds(after[0]!.startMs - TOLERANCE_MS);
  return `if(lt(t,${from}),${spansExpression(before)},${spansExpression(after)})`;
}

function longest(spans: readonly MovedSpan[]): MovedSpan[] {
  if (spans.length <= MAX_SPANS) return [...spans];
  const length = ({ startMs, endMs }: MovedSpan) => endMs - startMs;
  return [...spans]
    .sort((a, b) => length(b) - length(a))
    .slice(0, MAX_SPANS)
    .sort((a, b) => a.startMs - b.startMs);
}

async function* pictureTimes(file: string, signal: AbortSignal): AsyncGenerator<number> {
  const tool = startTool({
    tool: 'ffprobe',
    args: [
      ...['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0'],
      `file:${file}`,
    ],
    output: true,
    signal,
    niceness: 15,
  });
  try {
    for await (const line of createInterface({ input: tool.stdout! })) {
      const atMs = Number.parseFloat(line) * 1000;
      if (Number.isFinite(atMs)) yield atMs;
    }
    const exit = await tool.exit;
    signal.throwIfAborted();
    throwIfEnded(exit);
  } finally {
    tool.kill();
  }
}
