import { z } from 'zod';
import { FACE_GUARDS } from '../../pipeline/ports/reanimator.ts';
import { LanguageSchema, ProblemSchema } from '../contract.ts';

/**
 * What the live interface says: REST bodies, the viewer's WebSocket and the desk's. The server checks what it takes in
 * against these schemas; the client imports the types only.
 */

/** Lower-case letters, digits and hyphens; part of every address of a channel. */
export const ChannelIdSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{2,39}$/, 'is not a channel id: 3 to 40 of a-z, 0-9 and -');

export const ModeSchema = z.enum(['interpret', 'synced']);

/** Bounds of the operator's delay in synced mode, ms. */
export const MIN_DELAY_MS = 2000;
export const MAX_DELAY_MS = 15_000;
export const DelaySchema = z.int().min(MIN_DELAY_MS).max(MAX_DELAY_MS);

const TermSchema = z.string().trim().min(1).max(80);

/** A term of the source and what it is to become in one language. */
export const GlossaryEntrySchema = z.object({
  source: TermSchema,
  language: LanguageSchema,
  target: TermSchema,
});

export const RenditionSettingsSchema = z.object({
  language: LanguageSchema,
  /** Voice id; the best that keeps up when absent. */
  voice: z.string().min(1).max(80).optional(),
  /** In synced mode the speaker's lips follow the dub, where the channel has `faceConsent`. */
  face: z.boolean().default(false),
});

/** What an operator chooses. */
export const ChannelSettingsSchema = z.object({
  title: z.string().trim().min(1).max(120),
  /** Language spoken. */
  from: LanguageSchema,
  languages: z.array(RenditionSettingsSchema).max(8),
  delayMs: DelaySchema.default(6000),
  /** Anyone with the address may watch; else a token with scope `watch` is needed. */
  isPublic: z.boolean().default(true),
  /** Keep a recording of everything, with all renditions. */
  record: z.boolean().default(false),
  /** `speech`: a second audio ingest (commentary, clean speech) is dubbed, and the programme sound is the bed. */
  dubbingSource: z.enum(['programme', 'speech']).default('programme'),
  glossary: z.array(GlossaryEntrySchema).max(200).default([]),
  /** Names and terms that stay as they are in every language. */
  doNotTranslate: z.array(TermSchema).max(200).default([]),
  /** Also listen for OBS and encoders on SRT and RTMP. */
  listeners: z.boolean().default(false),
  /** The people shown have agreed that their lips are moved. Without, they stay as filmed. */
  faceConsent: z.boolean().default(false),
});

/** POST /v1/channels. */
export const NewChannelSchema = ChannelSettingsSchema.extend({ id: ChannelIdSchema.optional() });

const { shape } = ChannelSettingsSchema;

/**
 * PATCH /v1/channels/ID: any of the settings; title, delay, glossary, terms, `isPublic`, `faceConsent` and the languages' `face`
 * act at once while live.
 */
export const ChannelPatchSchema = ChannelSettingsSchema.extend({
  // Without their defaults: what a patch does not name stays as it is.
  delayMs: shape.delayMs.unwrap(),
  isPublic: shape.isPublic.unwrap(),
  record: shape.record.unwrap(),
  dubbingSource: shape.dubbingSource.unwrap(),
  glossary: shape.glossary.unwrap(),
  doNotTranslate: shape.doNotTranslate.unwrap(),
  listeners: shape.listeners.unwrap(),
  faceConsent: shape.faceConsent.unwrap(),
  languages: z
    .array(RenditionSettingsSchema.extend({ face: RenditionSettingsSchema.shape.face.unwrap().optional() }))
    .max(8),
})
  .partial()
  .refine((patch) => Object.keys(patch).length > 0, 'names nothing to change');

/** POST /v1/channels/ID/languages/LANG: what the desk does to one language at once. */
export const RenditionControlSchema = z.enum(['on', 'mute', 'hold', 'stop']);

/**
 * `on`: normal; `mute`: the voice is silent, captions go on; `hold`: the voice ends after the running utterance, what is said
 * meanwhile is not made up for; `stop`: no work is done for the language.
 */
export type RenditionControl = z.infer<typeof RenditionControlSchema>;

export const ChannelStateSchema = z.enum([
  /** Nobody has published yet, or publishing ended more than 30 s ago. */
  'idle',
  'live',
  /** The publisher is gone for less than 30 s: the same channel goes on when one comes back. */
  'interrupted',
]);

/** What becomes of the faces in the picture of one language, synced mode. */
export const FaceViewSchema = z.object({
  state: z.enum([
    /** Its switch is off. */
    'off',
    'no-consent',
    /** Nothing is on the air, or nothing but sound. */
    'no-picture',
    /** Nobody watches it, or its voice is muted or stopped. */
    'idle',
    'starting',
    /** The lips follow the dub. */
    'active',
    /** As filmed at this moment; `guard` says why. */
    'original',
    /** The worker cannot keep up: as filmed until it can. */
    'overloaded',
  ]),
  /** Why faces stayed as filmed in the last second, the most frequent reason. */
  guard: z.enum(FACE_GUARDS).optional(),
  /** How far the lips followed in the last second, 0…1. */
  strength: z.number().optional(),
});

export const RenditionViewSchema = z.object({
  language: z.string(),
  /** How good the dub is, once known. */
  tier: z.enum(['gist', 'fair', 'good']).optional(),
  voice: z.string().optional(),
  control: RenditionControlSchema,
  /** `idle`: nobody listens, nothing is made; `off`: no worker at this moment. */
  state: z.enum(['idle', 'active', 'off']),
  /** A step of degradation, for people; absent when all is well. */
  degraded: z.string().optional(),
  viewers: z.int(),
  /** How far the dubbed voice trails the speaker in interpret mode, ms; last utterance. */
  lagMs: z.number().optional(),
  face: FaceViewSchema,
});

export const RecordingViewSchema = z.object({
  id: z.string(),
  /** RFC 3339. */
  startedAt: z.string(),
  state: z.enum(['recording', 'finishing', 'done', 'failed']),
  /** How many files of other recordings are made before its next one. Absent when it does not wait. */
  filesAhead: z.int().optional(),
  durationMs: z.number(),
  /** MP4 with all tracks, once done. */
  download: z.string().optional(),
  captions: z.array(z.object({ language: z.string(), vtt: z.string(), srt: z.string() })),
  /** Languages whose lips were moved while it ran: each has an MP4 of its own, made after the one with all tracks. */
  faces: z.array(
    z.object({
      language: z.string(),
      state: z.enum(['recording', 'finishing', 'done', 'failed']),
      /** Once done. */
      download: z.string().optional(),
      /** Of how much of it the picture is a moved one, once done; the rest is as filmed. */
      movedMs: z.number().optional(),
      error: ProblemSchema.optional(),
    }),
  ),
  error: ProblemSchema.optional(),
});

/** What everybody who may watch is told. */
export const ChannelViewSchema = z.object({
  id: ChannelIdSchema,
  title: z.string(),
  state: ChannelStateSchema,
  createdAt: z.string(),
  /** When the running programme began, RFC 3339. */
  startedAt: z.string().optional(),
  from: z.string(),
  renditions: z.array(RenditionViewSchema),
  delayMs: z.int(),
  isPublic: z.boolean(),
  hasVideo: z.boolean(),
  hasAudio: z.boolean(),
  viewers: z.int(),
  /** State of the dubbing worker: the original never depends on it. */
  dub: z.enum(['ready', 'starting', 'off']),
});

/** What the channel's operator is told besides. */
export const OperatorChannelSchema = ChannelViewSchema.extend({
  settings: ChannelSettingsSchema,
  /** Addresses and keys to publish with. */
  publish: z.object({
    whip: z.string(),
    /** Bearer token for WHIP: a JWT with scope `publish` for this channel. */
    token: z.string(),
    page: z.string(),
    srt: z.string().optional(),
    rtmp: z.string().optional(),
    /** SRT pass phrase and RTMP stream key. */
    streamKey: z.string(),
  }),
  watch: z.object({ page: z.string(), whep: z.string() }),
  recordings: z.array(RecordingViewSchema),
});

/** GET /v1/live/languages: what can be dubbed with the engines installed. */
export const LivePairsSchema = z.object({
  pairs: z.array(
    z.object({
      from: z.string(),
      to: z.string(),
      tier: z.enum(['gist', 'fair', 'good']),
      voices: z.array(z.object({ id: z.string(), name: z.string(), slow: z.boolean() })),
    }),
  ),
});

/** Ingest as the desk shows it, once a second. */
export const IngestHealthSchema = z.object({
  protocol: z.enum(['whip', 'srt', 'rtmp', 'replay']).optional(),
  connected: z.boolean(),
  audio: z
    .object({
      bitrateBps: z.number(),
      /** Share of packets lost since the last report, 0…1. */
      loss: z.number(),
      jitterMs: z.number(),
      /** RMS of the last second, dBFS; absent while unknown. */
      levelDbfs: z.number().optional(),
    })
    .optional(),
  video: z
    .object({
      codec: z.string(),
      bitrateBps: z.number(),
      loss: z.number(),
      fps: z.number(),
      width: z.int().optional(),
      height: z.int().optional(),
    })
    .optional(),
  /** Round trip to the publisher, where known. */
  roundTripMs: z.number().optional(),
});

/** Key of one RTP track of a channel, e.g. `live:video`, `delayed:audio`, `voice:es:interpret`, `mix:es:synced`, `face:es:synced`. */
export const TrackKeySchema = z
  .string()
  .regex(/^((live|delayed):(audio|video)|(voice|mix):[a-z]{2,3}:(interpret|synced)|face:[a-z]{2,3}:synced)$/);

/** Speech as text. Times are media time of the channel, µs. Goes to viewers and to the desk. */
export const TextEventSchema = z.discriminatedUnion('kind', [
  /** What recognition believes about the speech that is not committed yet; replaces the one before. */
  z.object({
    kind: z.literal('hypothesis'),
    segmentId: z.int(),
    revision: z.int(),
    /** Words that will not change any more. */
    stable: z.string(),
    /** Words that may. */
    unstable: z.string(),
    startUs: z.number(),
    endUs: z.number(),
  }),
  z.object({
    kind: z.literal('clause'),
    clauseId: z.int(),
    text: z.string(),
    startUs: z.number(),
    endUs: z.number(),
    confidence: z.number(),
  }),
  z.object({
    kind: z.literal('translation'),
    clauseId: z.int(),
    language: z.string(),
    text: z.string(),
    startUs: z.number(),
    endUs: z.number(),
  }),
  /** Comes before the first translation of a language: says in that language that a machine dubs. Shown as a caption for 4 s. */
  z.object({
    kind: z.literal('dub-notice'),
    language: z.string(),
    text: z.string(),
    startUs: z.number(),
    endUs: z.number(),
  }),
  /** The voice says a clause from `startUs` to `endUs`, or leaves it out. */
  z.object({
    kind: z.literal('utterance'),
    clauseId: z.int(),
    language: z.string(),
    mode: ModeSchema,
    outcome: z.enum(['spoken', 'skipped-lag', 'skipped-held', 'failed']),
    startUs: z.number(),
    endUs: z.number(),
    rate: z.number(),
    /** From the clause's end in the source to the start of the voice, ms. */
    afterClauseMs: z.number(),
  }),
]);

/** Where the channel is in time, once a second. */
export const TickEventSchema = z.object({
  kind: z.literal('tick'),
  /** Media time of what arrives from the publisher now. */
  mediaTimeUs: z.number(),
  /** ms, interpret mode, by language: how far the voice trails. */
  lagMs: z.record(z.string(), z.number()),
});

/** Something a person should know: an utterance left out, an engine down, the publisher gone. */
export const NoticeSchema = z.object({
  kind: z.literal('notice'),
  level: z.enum(['info', 'warning']),
  /**
   * `skipped`, `degraded`, `dub-lost`, `dub-back`, `publisher-lost`, `publisher-back`, `speech-left-original`, `recording`,
   * `ingest`, `face-overloaded`, `face-back`.
   */
  code: z.string(),
  message: z.string(),
  language: z.string().optional(),
});

const transportParameters = z.object({
  id: z.string(),
  iceParameters: z.looseObject({}),
  iceCandidates: z.array(z.looseObject({})),
  dtlsParameters: z.looseObject({}),
});

/** Viewer → server on /v1/channels/ID/watch. `request` numbers are echoed in the answer. */
export const ViewerRequestSchema = z.discriminatedUnion('kind', [
  /** First: what this browser can receive. Answered with `tracks`. */
  z.object({ kind: z.literal('join'), request: z.int(), rtpCapabilities: z.looseObject({}) }),
  /** mediasoup-client's `connect`. Answered with `ok`. */
  z.object({ kind: z.literal('connect'), request: z.int(), dtlsParameters: z.looseObject({}) }),
  z.object({ kind: z.literal('restart-ice'), request: z.int() }),
  /**
   * What the viewer wants now. Consumers are paused and resumed, none is made or closed. Answered with `ok` once done.
   * `language` null: the original. `captions` null: none; the source language or a dubbed one otherwise.
   */
  z.object({
    kind: z.literal('select'),
    request: z.int(),
    language: LanguageSchema.nullable(),
    mode: ModeSchema,
    captions: LanguageSchema.nullable(),
    /** false: sound only. */
    video: z.boolean(),
    /** true: one premixed track instead of original and voice. */
    premixed: z.boolean().default(false),
    /** Lips that follow the dub, in synced mode where there are any; false: the picture as filmed. */
    face: z.boolean().default(true),
  }),
]);

/** One track a viewer can receive; all start paused. */
export const ConsumerViewSchema = z.object({
  track: TrackKeySchema,
  id: z.string(),
  producerId: z.string(),
  kind: z.enum(['audio', 'video']),
  rtpParameters: z.looseObject({}),
});

/** Server → viewer. */
export const ViewerEventSchema = z.union([
  /** First message of the server. */
  z.object({
    kind: z.literal('welcome'),
    channel: ChannelViewSchema,
    routerRtpCapabilities: z.looseObject({}),
    transport: transportParameters,
    iceServers: z.array(z.looseObject({})),
  }),
  /** Answer to `join`, and again without `request` when tracks come later. */
  z.object({
    kind: z.literal('tracks'),
    request: z.int().optional(),
    consumers: z.array(ConsumerViewSchema),
  }),
  /** Tracks that are gone (a publisher changed its codec). */
  z.object({ kind: z.literal('tracks-gone'), tracks: z.array(TrackKeySchema) }),
  z.object({ kind: z.literal('ok'), request: z.int(), iceParameters: z.looseObject({}).optional() }),
  z.object({ kind: z.literal('error'), request: z.int().optional(), problem: ProblemSchema }),
  z.object({ kind: z.literal('channel'), channel: ChannelViewSchema }),
  TextEventSchema,
  TickEventSchema,
  NoticeSchema,
]);

/** Server → desk on /v1/channels/ID/desk (the desk acts by REST). */
export const DeskEventSchema = z.union([
  z.object({ kind: z.literal('channel'), channel: OperatorChannelSchema }),
  z.object({ kind: z.literal('health'), health: IngestHealthSchema }),
  TextEventSchema,
  TickEventSchema,
  NoticeSchema,
]);

export const TokenScopeSchema = z.enum(['publish', 'watch', 'manage']);

/** POST /v1/tokens (scope `manage`). */
export const NewTokenSchema = z.object({
  scope: z.array(TokenScopeSchema).min(1),
  /** A channel id, or `*` for all. */
  channel: z.union([ChannelIdSchema, z.literal('*')]),
  expiresInSeconds: z
    .int()
    .min(60)
    .max(366 * 86_400),
});

export type Mode = z.infer<typeof ModeSchema>;
export type GlossaryEntry = z.infer<typeof GlossaryEntrySchema>;
export type RenditionSettings = z.infer<typeof RenditionSettingsSchema>;
export type ChannelSettings = z.infer<typeof ChannelSettingsSchema>;
export type NewChannel = z.input<typeof NewChannelSchema>;
export type ChannelPatch = z.input<typeof ChannelPatchSchema>;
export type ChannelState = z.infer<typeof ChannelStateSchema>;
export type FaceView = z.infer<typeof FaceViewSchema>;
export type RenditionView = z.infer<typeof RenditionViewSchema>;
export type RecordingView = z.infer<typeof RecordingViewSchema>;
export type ChannelView = z.infer<typeof ChannelViewSchema>;
export type OperatorChannel = z.infer<typeof OperatorChannelSchema>;
export type LivePairs = z.infer<typeof LivePairsSchema>;
export type IngestHealth = z.infer<typeof IngestHealthSchema>;
export type TrackKey = z.infer<typeof TrackKeySchema>;
export type TextEvent = z.infer<typeof TextEventSchema>;
export type TickEvent = z.infer<typeof TickEventSchema>;
export type Notice = z.infer<typeof NoticeSchema>;
export type ViewerRequest = z.infer<typeof ViewerRequestSchema>;
export type ConsumerView = z.infer<typeof ConsumerViewSchema>;
export type ViewerEvent = z.infer<typeof ViewerEventSchema>;
export type DeskEvent = z.infer<typeof DeskEventSchema>;
export type TokenScope = z.infer<typeof TokenScopeSchema>;
