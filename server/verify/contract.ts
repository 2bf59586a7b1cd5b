import { z } from 'zod';
import { LanguageSchema } from '../contract.ts';
import { ModeSchema } from '../live/contract.ts';

/**
 * What `livedub verify --json` prints and POST /v1/verify answers. The page imports the types only.
 */

/** Of the whole clip, of one sound track, or of the picture; the first that applies. */
export const VerdictSchema = z.enum([
  /** A mark of ours was read or recognised. */
  'ours',
  /** A mark of ours is there, but too damaged to say which. */
  'present-unreadable',
  /** No mark of ours: not dubbed here, or changed so much that nothing is left. */
  'not-found',
  /** Nothing that could carry a mark: no such track, silence, too short. */
  'nothing-to-examine',
]);

/** What a mark's rendition belongs to. */
export const ChannelFindingSchema = z.object({
  /**
   * `public`: anyone may know its name; `private`: only the operator's own report has it; `unknown`: marked with a key of ours, but
   * this registry did not issue it.
   */
  visibility: z.enum(['public', 'private', 'unknown']),
  id: z.string().optional(),
  /** A channel's title, or a file's name. */
  title: z.string().optional(),
});

export const VerifyFindingSchema = z.object({
  /** Whose key marked it. */
  issuer: z.string(),
  channel: ChannelFindingSchema,
  /** Language of the dub; absent when the channel is unknown. */
  language: LanguageSchema.optional(),
  /** Of the rendition; absent when the channel is unknown. `face`: of a picture in which a machine moves lips to the dub. */
  kind: z.enum(['voice', 'mix', 'face']).optional(),
  /** These four are absent also when the channel is private and the report is public. */
  mode: ModeSchema.optional(),
  source: z.enum(['file', 'live']).optional(),
  /** Wall time of the minute's beginning, RFC 3339; of live programmes only. */
  wallTime: z.string().optional(),
  /** Number of the rendition, 9 hexadecimal digits. */
  rendition: z
    .string()
    .regex(/^[0-9a-f]{9}$/)
    .optional(),
  /** Minutes since the rendition began, at the beginning of the range. */
  minute: z.int().min(0),
  /** Where in the clip, s. */
  startS: z.number(),
  endS: z.number(),
  /** 1 − the bound on the chance that a clip without this mark looks so; of sound and picture together where they agree. */
  confidence: z.number().min(0).max(1),
  /** The same chance as a power of ten: −40 is one in 10⁴⁰. */
  falseAlarmLog10: z.number(),
  /** Strength found, and what it has to reach, in standard deviations. */
  score: z.number(),
  threshold: z.number(),
  /** `read`: all bits by themselves; `matched`: recognised among what was issued. */
  how: z.enum(['read', 'matched']),
  /** Speed of the sound against the original; of a picture: its scale. 1: unchanged. */
  speed: z.number(),
});

/** A key's synchronisation without a readable payload. */
export const PresenceSchema = z.object({ issuer: z.string(), score: z.number(), threshold: z.number() });

const MediumSchema = z.object({
  verdict: VerdictSchema,
  /** What was looked at, s. */
  examinedS: z.number().min(0),
  /** By place in the clip. */
  findings: z.array(VerifyFindingSchema),
  presence: PresenceSchema.optional(),
});

export const SoundReportSchema = MediumSchema.extend({
  /** Audio tracks of the clip, counted from 0. */
  track: z.int().min(0),
  /** As the file names it. */
  title: z.string().optional(),
  language: LanguageSchema.optional(),
  codec: z.string(),
});

export const PictureReportSchema = MediumSchema.extend({
  codec: z.string(),
  widthPx: z.int(),
  heightPx: z.int(),
});

export const VerifyNoteSchema = z.object({
  code: z.enum([
    /** Only a part of the clip was examined. */
    'examined-in-part',
    /** The clip breaks off or is damaged; what can be decoded was examined. */
    'damaged',
    /** The picture is of a version in which a machine moves lips to the dub. */
    'lips-moved',
    /** Sound is marked and the picture is not: dubs leave the picture as it came unless it is asked for. */
    'sound-only',
    /** The picture is marked and the sound is not: it may have been replaced. */
    'picture-only',
    /** Sound and picture come from different programmes. */
    'different-sources',
    /** Several renditions were found in one track. */
    'cut-together',
    /** A mark made with a key of ours that this server did not issue. */
    'unknown-here',
    /** A track holds no sound or picture that can be examined. */
    'empty-track',
    /** More tracks than are examined. */
    'tracks-left-out',
  ]),
  /** One sentence for people. */
  text: z.string(),
});

export const VerifyReportSchema = z.object({
  format: z.literal('livedub-verify/1'),
  verdict: VerdictSchema,
  /** Length of the clip as it says; absent where it does not. */
  durationS: z.number().optional(),
  /** The longest stretch of any track that was looked at, s. */
  examinedS: z.number(),
  /** Every audio track, 8 at most. */
  sound: z.array(SoundReportSchema),
  /** Absent when there is none. */
  picture: PictureReportSchema.optional(),
  /** Whether sound and picture name the same programme; absent where nothing was read. */
  agreement: z.enum(['same', 'different', 'one-only']).optional(),
  notes: z.array(VerifyNoteSchema),
});

export type Verdict = z.infer<typeof VerdictSchema>;
export type ChannelFinding = z.infer<typeof ChannelFindingSchema>;
export type VerifyFinding = z.infer<typeof VerifyFindingSchema>;
export type Presence = z.infer<typeof PresenceSchema>;
export type SoundReport = z.infer<typeof SoundReportSchema>;
export type PictureReport = z.infer<typeof PictureReportSchema>;
export type VerifyNote = z.infer<typeof VerifyNoteSchema>;
export type VerifyReport = z.infer<typeof VerifyReportSchema>;
