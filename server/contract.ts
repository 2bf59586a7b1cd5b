import { z } from 'zod';

/**
 * What the REST and WebSocket interfaces say. The server checks what it takes in against these schemas; the page
 * imports the types only.
 */

/** ISO 639-1 (or 639-2 where there is none), lower case. */
export const LanguageSchema = z.string().regex(/^[a-z]{2,3}$/, 'is not a language code such as en or es');

/** Random id of a dub: 16 bytes, hexadecimal. */
export const DubIdSchema = z.string().regex(/^[0-9a-f]{32}$/, 'is not an id of a dub');

export const ProblemSchema = z.object({
  /** Stable, `LIVEDUB_E_…`. */
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
});

export const ProgressSchema = z.object({
  /** `sample` makes the sample clip, `prepare` opens the input, `dub` runs the pipeline, `finish` writes files. */
  phase: z.enum(['sample', 'prepare', 'dub', 'finish']),
  mediaTimeUs: z.number(),
  /** Absent where the input does not say how long it is. */
  durationUs: z.number().optional(),
  /** Media time per wall time. */
  speed: z.number(),
  /** How far the dubbed voice trails, ms. */
  lagMs: z.number(),
});

export const DubStateSchema = z.enum(['queued', 'running', 'done', 'failed', 'cancelled']);

export const TrackViewSchema = z.object({
  /** `original`, or the language of a dub. */
  id: z.string(),
  language: z.string(),
  title: z.string(),
  /** How good the dub is (`gist`, `fair`, `good`); absent for the original. */
  tier: z.string().optional(),
  url: z.string(),
});

export const CaptionViewSchema = z.object({ language: z.string(), vtt: z.string(), srt: z.string() });

export const DubViewSchema = z.object({
  id: DubIdSchema,
  title: z.string(),
  /** True for the sample that livedub makes itself: a computer voice and a drawn face. */
  synthetic: z.boolean(),
  state: DubStateSchema,
  /** RFC 3339. */
  createdAt: z.string(),
  to: z.array(LanguageSchema),
  progress: ProgressSchema.optional(),
  /** Present once done. */
  sourceLanguage: z.string().optional(),
  /** The input was broken or the job was stopped half way: what there is is shown. */
  partial: z.boolean().optional(),
  tracks: z.array(TrackViewSchema),
  captions: z.array(CaptionViewSchema),
  /** Address of the file with all tracks. */
  download: z.string().optional(),
  report: z.string().optional(),
  error: ProblemSchema.optional(),
});

/** What the server sends on /v1/events. */
export const ServerEventSchema = z.discriminatedUnion('kind', [
  /** First message: everything there is, newest first. */
  z.object({ kind: z.literal('dubs'), dubs: z.array(DubViewSchema) }),
  /** One dub as it is now. */
  z.object({ kind: z.literal('dub'), dub: DubViewSchema }),
]);

export const HealthViewSchema = z.object({
  status: z.literal('ok'),
  version: z.string(),
  /** `starting` also while the worker is being restarted. */
  worker: z.enum(['ready', 'starting', 'stopped']),
  queued: z.int(),
  running: z.int(),
});

export type Problem = z.infer<typeof ProblemSchema>;
export type Progress = z.infer<typeof ProgressSchema>;
export type DubState = z.infer<typeof DubStateSchema>;
export type TrackView = z.infer<typeof TrackViewSchema>;
export type CaptionView = z.infer<typeof CaptionViewSchema>;
export type DubView = z.infer<typeof DubViewSchema>;
export type ServerEvent = z.infer<typeof ServerEventSchema>;
export type HealthView = z.infer<typeof HealthViewSchema>;
