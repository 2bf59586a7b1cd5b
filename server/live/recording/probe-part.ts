import path from 'node:path';
import { z } from 'zod';
import { runTool } from '../../../pipeline/media/tool-process.ts';
import type { UsablePart } from './recording-mux.ts';
import type { RecordingPart } from './recording-state.ts';
import { throwIfEnded } from './throw-if-ended.ts';

const ProbeSchema = z.object({
  streams: z
    .array(z.object({ codec_type: z.string(), width: z.number().optional(), height: z.number().optional() }))
    .default([]),
  format: z.object({ duration: z.coerce.number().optional() }).optional(),
});

/**
 * Those parts that a crash has left anything of that can be read.
 * @throws LivedubError LIVEDUB_E_WORKER_DIED (nothing is known of a part), LIVEDUB_E_DEPENDENCY_MISSING; the signal's reason
 */
export async function usableParts(
  folder: string,
  parts: readonly RecordingPart[],
  signal: AbortSignal,
): Promise<UsablePart[]> {
  const usable: UsablePart[] = [];
  for (const part of parts) {
    const probe = await probeFile(path.join(folder, part.file), signal);
    const wanted = part.codec === 'opus' ? 'audio' : 'video';
    const stream = probe?.streams.find((one) => one.codec_type === wanted);
    if (stream === undefined) continue;
    usable.push({
      ...part,
      widthPx: Math.max(part.widthPx ?? 0, stream.width ?? 0),
      heightPx: Math.max(part.heightPx ?? 0, stream.height ?? 0),
    });
  }
  return usable;
}

/** How long a file plays, 0 when it does not say; undefined when it cannot be read. @throws as usableParts */
export async function durationMsOf(file: string, signal: AbortSignal): Promise<number | undefined> {
  const probe = await probeFile(file, signal);
  return probe && Math.round((probe.format?.duration ?? 0) * 1000);
}

async function probeFile(
  file: string,
  signal: AbortSignal,
): Promise<z.infer<typeof ProbeSchema> | undefined> {
  const run = await runTool({
    tool: 'ffprobe',
    args: ['-v', 'error', '-of', 'json', '-show_format', '-show_streams', `file:${file}`],
    signal,
    timeoutMs: 60_000,
  });
  throwIfEnded(run);
  const parsed = run.code === 0 ? ProbeSchema.safeParse(JSON.parse(run.stdout)) : undefined;
  return parsed?.data;
}
