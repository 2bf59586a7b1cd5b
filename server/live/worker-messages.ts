import { z } from 'zod';
import { RENDITION_BITS } from '../../pipeline/mark/payload.ts';
import { FACE_GUARDS } from '../../pipeline/ports/reanimator.ts';
import { LanguageSchema, ProblemSchema } from '../contract.ts';
import {
  ChannelIdSchema,
  DelaySchema,
  GlossaryEntrySchema,
  ModeSchema,
  RenditionControlSchema,
  RenditionSettingsSchema,
  TextEventSchema,
  TrackKeySchema,
} from './contract.ts';

/** The control messages between server and live worker; both sides check what they receive. */

const OutputDemandSchema = z.object({ voice: z.boolean(), mix: z.boolean() });

export const LanguageDemandSchema = z.object({
  captions: z.boolean(),
  interpret: OutputDemandSchema,
  synced: OutputDemandSchema,
  /** Somebody watches its faces, and they may be moved. */
  face: z.boolean(),
});

export const TermsSchema = z.object({
  glossary: z.array(GlossaryEntrySchema),
  doNotTranslate: z.array(z.string()),
});

/** Which engines a channel needs. */
export const ChannelEnginesSchema = z.object({
  from: LanguageSchema,
  renditions: z
    .array(RenditionSettingsSchema.omit({ face: true }))
    .min(1)
    .max(8),
});

/**
 * Which opening of a channel a message belongs to: one that was under way when the channel was opened anew must not be taken
 * for one of the new opening. Counts over all channels of a server.
 */
const SessionSchema = z.int();

/** What the dubbed tracks are marked with. The key itself is read from the data folder or the environment, not sent. */
const OrderMarksSchema = z.object({
  /** Absolute. */
  dataDir: z.string().min(1),
  keyId: z.int().min(0).max(255),
  strength: z.enum(['discreet', 'firm']),
  /** As issued, for every track that is dubbed. */
  renditions: z.record(
    TrackKeySchema,
    z
      .int()
      .min(1)
      .lt(2 ** RENDITION_BITS),
  ),
});

export const ChannelOrderSchema = ChannelEnginesSchema.extend({
  channelId: ChannelIdSchema,
  session: SessionSchema,
  /** Wall time of media time 0, µs since the Unix epoch. */
  originUs: z.number(),
  delayMs: DelaySchema,
  /** The sound under the dub comes on a track of its own: another one than what is dubbed. */
  separateBed: z.boolean(),
  /** Absolute path of the programme's clause log; what is in it was said already. */
  clauseLog: z.string().min(1),
  terms: TermsSchema,
  marks: OrderMarksSchema,
  demand: z.record(LanguageSchema, LanguageDemandSchema),
  controls: z.record(LanguageSchema, RenditionControlSchema),
  /** Absent: no rendition has its faces switched on, and no picture comes. That may change by `faces`. */
  faces: z.object({ consent: z.boolean() }).optional(),
});

/** What two cascade ends say to each other; checked by the cascade, passed on as it is. */
const CascadeEnvelopeSchema = z.object({
  kind: z.literal('cascade'),
  channelId: ChannelIdSchema,
  session: SessionSchema,
  message: z.looseObject({ type: z.string() }),
});

export const ToLiveWorkerSchema = z.discriminatedUnion('kind', [
  /** Load these engines now: a channel will need them. */
  z.object({ kind: z.literal('prepare'), engines: ChannelEnginesSchema }),
  /** Answered with `opened` or `failed`. */
  z.object({ kind: z.literal('open'), order: ChannelOrderSchema }),
  z.object({
    kind: z.literal('demand'),
    channelId: ChannelIdSchema,
    language: LanguageSchema,
    demand: LanguageDemandSchema,
  }),
  z.object({
    kind: z.literal('control'),
    channelId: ChannelIdSchema,
    language: LanguageSchema,
    control: RenditionControlSchema,
  }),
  z.object({ kind: z.literal('delay'), channelId: ChannelIdSchema, delayMs: DelaySchema }),
  z.object({ kind: z.literal('terms'), channelId: ChannelIdSchema, terms: TermsSchema }),
  /** Some rendition has its faces switched on; the picture comes on a track of role `picture`. */
  z.object({ kind: z.literal('faces'), channelId: ChannelIdSchema, consent: z.boolean() }),
  /** Cuts what is being said. Answered with `closed`. */
  z.object({ kind: z.literal('close'), channelId: ChannelIdSchema, session: SessionSchema }),
  CascadeEnvelopeSchema,
  z.object({ kind: z.literal('stop') }),
]);

export const OpenedRenditionSchema = z.object({
  language: LanguageSchema,
  tier: z.enum(['gist', 'fair', 'good']),
  voice: z.string(),
});

export const FromLiveWorkerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  /** The engines that `prepare` named are loaded. */
  z.object({ kind: z.literal('prepared') }),
  z.object({
    kind: z.literal('opened'),
    channelId: ChannelIdSchema,
    session: SessionSchema,
    renditions: z.array(OpenedRenditionSchema),
    /** Sound is needed from this media time on; absent: from now on. */
    resumeFromUs: z.number().optional(),
  }),
  /** The source track is being read: sound may be sent. */
  z.object({ kind: z.literal('listening'), channelId: ChannelIdSchema, session: SessionSchema }),
  z.object({ kind: z.literal('closed'), channelId: ChannelIdSchema, session: SessionSchema }),
  z.object({
    kind: z.literal('failed'),
    channelId: ChannelIdSchema,
    session: SessionSchema,
    error: ProblemSchema,
  }),
  z.object({ kind: z.literal('text'), channelId: ChannelIdSchema, event: TextEventSchema }),
  z.object({
    kind: z.literal('lag'),
    channelId: ChannelIdSchema,
    language: LanguageSchema,
    mode: ModeSchema,
    lagMs: z.number(),
  }),
  /** An engine failed on a clause, and what the rendition does without it. */
  z.object({
    kind: z.literal('degraded'),
    channelId: ChannelIdSchema,
    stage: z.string(),
    error: ProblemSchema,
  }),
  /** Speech that stays original. */
  z.object({
    kind: z.literal('left-original'),
    channelId: ChannelIdSchema,
    reason: z.enum(['language', 'noise', 'engine']),
    startUs: z.number(),
    endUs: z.number(),
  }),
  /** Once a second for each language whose faces are wanted, and when that ends. */
  z.object({
    kind: z.literal('face'),
    channelId: ChannelIdSchema,
    language: LanguageSchema,
    /** `overloaded`: no pictures are made until the worker keeps up again. */
    state: z.enum(['off', 'starting', 'active', 'overloaded']),
    /** Mean over the last second, 0…1. */
    strength: z.number(),
    /** Pictures of the last second that stayed as filmed, by reason. */
    guards: z.partialRecord(z.enum(FACE_GUARDS), z.int()),
    fps: z.number(),
    /** Mean for one picture, all steps. */
    computeMs: z.number(),
  }),
  /** Once a second. */
  z.object({
    kind: z.literal('pulse'),
    channelId: ChannelIdSchema,
    /** Media time of the newest sound. */
    mediaTimeUs: z.number(),
    /** RMS of the source over the last second, dBFS. */
    levelDbfs: z.number(),
    /** Opus packets shed because the stages could not keep up, since the channel was opened. */
    shedFrames: z.int(),
    /** Share of a core the worker used in the last second. */
    cpu: z.number(),
  }),
  CascadeEnvelopeSchema,
]);

export type ChannelEngines = z.infer<typeof ChannelEnginesSchema>;
export type OrderMarks = z.infer<typeof OrderMarksSchema>;
export type ChannelOrder = z.infer<typeof ChannelOrderSchema>;
export type OpenedRendition = z.infer<typeof OpenedRenditionSchema>;
export type ToLiveWorker = z.infer<typeof ToLiveWorkerSchema>;
export type FromLiveWorker = z.infer<typeof FromLiveWorkerSchema>;
