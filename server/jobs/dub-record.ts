import { z } from 'zod';
import { DubStateSchema, type DubView, LanguageSchema, ProblemSchema, type Progress } from '../contract.ts';
import { JobResultSchema } from '../worker/messages.ts';

/** A dub as its folder remembers it (`job.json`). */
export const DubRecordSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  /** Same input and options give the same key, so that a second start finds the finished dub. */
  key: z.string(),
  title: z.string(),
  synthetic: z.boolean(),
  state: DubStateSchema,
  createdAt: z.iso.datetime(),
  /** Absent for the sample, which the worker makes. */
  inputPath: z.string().optional(),
  to: z.array(LanguageSchema),
  from: z.union([LanguageSchema, z.literal('auto')]),
  mode: z.enum(['synced', 'interpret']),
  bed: z.enum(['duck', 'none']),
  result: JobResultSchema.optional(),
  error: ProblemSchema.optional(),
});

export type DubRecord = z.infer<typeof DubRecordSchema>;

/** What the interfaces show of a record. */
export function viewOf(record: DubRecord, progress?: Progress): DubView {
  const base = `/v1/dubs/${record.id}`;
  const { result, error } = record;
  return {
    id: record.id,
    title: record.title,
    synthetic: record.synthetic,
    state: record.state,
    createdAt: record.createdAt,
    to: record.to,
    ...(progress && record.state === 'running' ? { progress } : {}),
    ...(error ? { error } : {}),
    tracks: (result?.tracks ?? []).map(({ id, language, title, tier }) => ({
      id,
      language,
      title,
      ...(tier === undefined ? {} : { tier }),
      url: `${base}/media/${id}`,
    })),
    captions: (result?.captions ?? []).map(({ language }) => ({
      language,
      vtt: `${base}/captions/${language}.vtt`,
      srt: `${base}/captions/${language}.srt`,
    })),
    ...(result
      ? {
          sourceLanguage: result.sourceLanguage,
          partial: result.partial,
          download: `${base}/download`,
          report: `${base}/report`,
        }
      : {}),
  };
}
