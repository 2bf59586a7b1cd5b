import { z } from 'zod';
import { DubIdSchema, LanguageSchema, ProblemSchema, ProgressSchema } from '../contract.ts';

/** The control messages between server and worker; both sides check what they receive. */

export const DubOrderSchema = z.object({
  jobId: DubIdSchema,
  input: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('file'), path: z.string().min(1) }),
    /** The worker makes the sample clip itself. */
    z.object({ kind: z.literal('sample') }),
  ]),
  /** Absolute; everything of the job is written below it. */
  jobDir: z.string().min(1),
  /** Absolute; keys and registry of marks are in it. */
  dataDir: z.string().min(1),
  to: z.array(LanguageSchema).min(1).max(16),
  from: z.union([LanguageSchema, z.literal('auto')]),
  mode: z.enum(['synced', 'interpret']),
  bed: z.enum(['duck', 'none']),
});

export const JobResultSchema = z.object({
  sourceLanguage: z.string(),
  partial: z.boolean(),
  /** Paths relative to the job's folder, all below it. */
  outFile: z.string(),
  reportFile: z.string(),
  tracks: z.array(
    z.object({
      id: z.string().regex(/^(original|[a-z]{2,3})$/),
      language: z.string(),
      title: z.string(),
      tier: z.string().optional(),
      file: z.string(),
    }),
  ),
  captions: z.array(z.object({ language: LanguageSchema, vtt: z.string(), srt: z.string() })),
});

export const ToWorkerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('dub'), order: DubOrderSchema }),
  z.object({ kind: z.literal('cancel'), jobId: DubIdSchema }),
  z.object({ kind: z.literal('stop') }),
]);

export const FromWorkerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('progress'), jobId: DubIdSchema, progress: ProgressSchema }),
  z.object({ kind: z.literal('done'), jobId: DubIdSchema, result: JobResultSchema }),
  z.object({ kind: z.literal('failed'), jobId: DubIdSchema, error: ProblemSchema }),
]);

export type DubOrder = z.infer<typeof DubOrderSchema>;
export type JobResult = z.infer<typeof JobResultSchema>;
export type ToWorker = z.infer<typeof ToWorkerSchema>;
export type FromWorker = z.infer<typeof FromWorkerSchema>;
