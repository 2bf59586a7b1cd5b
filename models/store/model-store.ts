import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { modelsDir } from '../../pipeline/cache-paths.ts';
import { LivedubError, toLivedubError } from '../../pipeline/errors.ts';
import { MANIFEST, type Model, type ModelFile } from '../manifest.ts';
import { CONVERTERS, type Converter } from './converters.ts';
import { type LocalRoots, localPlaces } from './locate.ts';
import { incomingDir, lockModel, type PullContext, type PullProgress, pullFile } from './pull.ts';
import { sha256File, VerifiedFiles } from './verified-files.ts';

export type ModelState =
  /** Every file is here and has the right hash. */
  | 'installed'
  | 'missing'
  /** A file is here whose bytes are not the manifest's. */
  | 'corrupt'
  /** The licence forbids commercial use and the operator has not allowed it. */
  | 'refused'
  /** The manifest knows no hash, so nothing could be trusted. */
  | 'unverifiable';

export interface ModelStatus {
  readonly id: string;
  readonly state: ModelState;
  /** Why, where it is not installed. */
  readonly reason?: string;
}

export interface ModelStoreOptions extends LocalRoots {
  /** Default: the manifest of this version. */
  readonly manifest?: readonly Model[];
  /** Where pulled models lie. Default: `models/` of the cache. */
  readonly root?: string;
  /** Base URL of a mirror. */
  readonly mirror?: string;
  /** Use models whose licence forbids commercial use. Default false. */
  readonly allowNonCommercial?: boolean;
  readonly converters?: Readonly<Record<string, Converter>>;
}

export interface PullOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: PullProgress) => void;
}

/** Options from the environment: LIVEDUB_MODEL_DIR, LIVEDUB_MODEL_MIRROR, LIVEDUB_PICO_LINGWARE, LIVEDUB_ALLOW_NONCOMMERCIAL. */
export function storeOptionsFromEnv(env: NodeJS.ProcessEnv = process.env): ModelStoreOptions {
  const { LIVEDUB_MODEL_DIR: folder, LIVEDUB_MODEL_MIRROR: mirror, LIVEDUB_PICO_LINGWARE: lingware } = env;
  return {
    ...(folder ? { folder } : {}),
    ...(mirror ? { mirror: mirror.replace(/\/+$/, '') } : {}),
    ...(lingware ? { lingware } : {}),
    allowNonCommercial: env.LIVEDUB_ALLOW_NONCOMMERCIAL === '1',
  };
}

const CONVERTED = 'converted';
const ConvertedSchema = z.record(z.string(), z.string());

/** Knows which models are here, hands out verified paths, and fetches what is missing. */
export class ModelStore {
  readonly models: readonly Model[];
  readonly #options: ModelStoreOptions;
  readonly #root: string;
  readonly #verified: VerifiedFiles;
  readonly #converters: Readonly<Record<string, Converter>>;

  constructor(options: ModelStoreOptions = storeOptionsFromEnv()) {
    this.#options = options;
    this.models = (options.manifest ?? MANIFEST).map((model) => withOwnSums(model, options.folder));
    this.#root = options.root ?? modelsDir();
    this.#verified = new VerifiedFiles(join(this.#root, 'verified.json'));
    this.#converters = options.converters ?? CONVERTERS;
  }

  /** @throws LIVEDUB_E_BAD_REQUEST with the known ids */
  model(id: string): Model {
    const found = this.models.find((model) => model.id === id);
    if (found !== undefined) return found;
    throw new LivedubError('LIVEDUB_E_BAD_REQUEST', `There is no model called ${id}.`, {
      remedy: `Known models: ${this.models.map((model) => model.id).join(', ')}.`,
    });
  }

  /** Looks at one model; unchanged files that were verified before are not read again. */
  async status(id: string): Promise<ModelStatus> {
    return this.#status(this.model(id), false);
  }

  /**
   * Names of the model's files (and of what it was converted into) → absolute paths, all verified.
   * @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT, LIVEDUB_E_MODEL_LICENCE
   */
  async paths(id: string): Promise<Record<string, string>> {
    const model = this.model(id);
    const { state, reason } = await this.#status(model, false);
    if (state !== 'installed') throw stateError(model, state, reason);
    const paths: Record<string, string> = {};
    for (const file of model.files) {
      const place = await this.#find(model, file, false);
      if (typeof place === 'string') paths[file.name] = place;
    }
    for (const name of Object.keys((await this.#converted(model)) ?? {})) {
      paths[name] = join(this.#dir(model), CONVERTED, name);
    }
    return paths;
  }

  /** Reads every file again and compares its hash. */
  async verify(ids: readonly string[] = this.models.map(({ id }) => id)): Promise<ModelStatus[]> {
    const states: ModelStatus[] = [];
    for (const id of ids) states.push(await this.#status(this.model(id), true));
    return states;
  }

  /**
   * Fetches models one after another; what is installed already is left alone, what was interrupted goes on.
   * @throws LIVEDUB_E_MODEL_FETCH, LIVEDUB_E_MODEL_LICENCE, LIVEDUB_E_MODEL_MISSING (unverifiable, or a system
   * package), LIVEDUB_E_OUTPUT_DISK_FULL, LIVEDUB_E_ABORTED
   */
  async pull(ids: readonly string[], options: PullOptions): Promise<void> {
    for (const id of ids) {
      const model = this.model(id);
      try {
        await this.#pull(model, options);
      } catch (error) {
        if (options.signal.aborted)
          throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: error });
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
          throw new LivedubError('LIVEDUB_E_OUTPUT_DISK_FULL', `No space left for ${id}.`, { cause: error });
        }
        throw toLivedubError(error, 'LIVEDUB_E_MODEL_FETCH');
      }
      options.onProgress?.({ id, phase: 'done', what: id });
    }
  }

  async #pull(model: Model, { signal, onProgress = () => {} }: PullOptions): Promise<void> {
    const before = await this.#status(model, false);
    if (before.state === 'installed') return;
    if (before.state === 'refused' || before.state === 'unverifiable' || model.system !== undefined) {
      throw stateError(model, before.state, before.reason);
    }
    const release = await lockModel(join(this.#root, '.incoming', `${model.id}.lock`), signal);
    try {
      if ((await this.#status(model, false)).state === 'installed') return;
      const incoming = incomingDir(this.#root, model);
      const downloads = join(this.#root, '.downloads', model.id);
      const { mirror } = this.#options;
      const context: PullContext = {
        signal,
        onProgress,
        downloads,
        ...(mirror === undefined ? {} : { mirror }),
      };
      const dir = this.#dir(model);
      await mkdir(incoming, { recursive: true });
      for (const file of model.files) {
        if (typeof (await this.#find(model, file, false)) === 'string' && !existsSync(join(dir, file.path)))
          continue;
        await this.#bring(model, file, join(incoming, file.path), context);
      }
      if (model.convert !== undefined) await this.#convert(model, incoming, context);
      await rm(dir, { recursive: true, force: true });
      await mkdir(dirname(dir), { recursive: true });
      await rename(incoming, dir);
      await rm(downloads, { recursive: true, force: true });
    } finally {
      await release();
    }
  }

  /** A file that came whole in an earlier run, or lies right in the old place, is used again. */
  async #bring(model: Model, file: ModelFile, target: string, context: PullContext): Promise<void> {
    const { sha256 } = file;
    if (sha256 === undefined) throw stateError(model, 'unverifiable', undefined);
    if (existsSync(target) && (await sha256File(target, context.signal)) === sha256) return;
    const old = join(this.#dir(model), file.path);
    if (existsSync(old) && (await this.#verified.check(old, sha256, { fresh: true })) === true) {
      await mkdir(dirname(target), { recursive: true });
      await rename(old, target);
      return;
    }
    await pullFile(model, file, target, context);
  }

  async #convert(model: Model, incoming: string, { signal, onProgress }: PullContext): Promise<void> {
    const converter = this.#converters[model.convert ?? ''];
    if (converter === undefined)
      throw new LivedubError('LIVEDUB_E_INTERNAL', `${model.id} has no converter.`);
    onProgress({ id: model.id, phase: 'convert', what: model.title });
    const outDir = join(incoming, CONVERTED);
    await rm(outDir, { recursive: true, force: true });
    await mkdir(outDir);
    const files: Record<string, string> = {};
    for (const file of model.files) {
      const brought = join(incoming, file.path);
      const place = existsSync(brought) ? brought : await this.#find(model, file, false);
      if (typeof place === 'string') files[file.name] = place;
    }
    await converter({
      files,
      outDir,
      signal,
      onProgress: (fraction, step) =>
        onProgress({ id: model.id, phase: 'convert', what: step, receivedBytes: fraction, totalBytes: 1 }),
    });
    const hashes: Record<string, string> = {};
    for (const name of await readdir(outDir)) hashes[name] = await sha256File(join(outDir, name), signal);
    await writeFile(join(incoming, `${CONVERTED}.json`), JSON.stringify(hashes));
  }

  async #status(model: Model, fresh: boolean): Promise<ModelStatus> {
    const { id } = model;
    if (!model.commercialUse && this.#options.allowNonCommercial !== true) {
      return { id, state: 'refused', reason: `licence ${model.licence}` };
    }
    if (model.system !== undefined && !existsSync(model.system.probe)) {
      return { id, state: 'missing', reason: `Debian packages ${model.system.packages.join(', ')}` };
    }
    const unknown = model.files.find((file) => file.sha256 === undefined);
    if (unknown !== undefined) {
      return {
        id,
        state: 'unverifiable',
        reason: `unverifiable, refused: no SHA-256 is known for ${unknown.path}`,
      };
    }
    for (const file of model.files) {
      const place = await this.#find(model, file, fresh);
      if (place === false) return { id, state: 'corrupt', reason: `${file.path} has other bytes` };
      if (place === undefined) return { id, state: 'missing', reason: `${file.path} is not here` };
    }
    if (model.convert === undefined) return { id, state: 'installed' };
    const converted = await this.#converted(model);
    if (converted === undefined) return { id, state: 'missing', reason: 'it was not converted yet' };
    for (const [name, sha256] of Object.entries(converted)) {
      const right = await this.#verified.check(join(this.#dir(model), CONVERTED, name), sha256, { fresh });
      if (right !== true) return { id, state: 'corrupt', reason: `${name} has other bytes` };
    }
    return { id, state: 'installed' };
  }

  /** @returns the path of the file with the right bytes; `false` when only wrong ones are here; undefined when none */
  async #find(model: Model, file: ModelFile, fresh: boolean): Promise<string | false | undefined> {
    const { sha256 } = file;
    if (sha256 === undefined) return undefined;
    let wrong = false;
    for (const path of [join(this.#dir(model), file.path), ...localPlaces(model, file, this.#options)]) {
      const right = await this.#verified.check(path, sha256, { fresh });
      if (right === true) return path;
      wrong ||= right === false;
    }
    return wrong ? false : undefined;
  }

  async #converted(model: Model): Promise<Record<string, string> | undefined> {
    if (model.convert === undefined) return undefined;
    const path = join(this.#dir(model), `${CONVERTED}.json`);
    if ((await stat(path).catch(() => undefined)) === undefined) return undefined;
    return ConvertedSchema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  }

  #dir(model: Model): string {
    return join(this.#root, model.id, model.version);
  }
}

/**
 * Fills in hashes that the manifest does not know from `<folder>/<id>/SHA256SUMS` (as `sha256sum` writes it): there the
 * operator says which bytes are to be trusted.
 */
function withOwnSums(model: Model, folder: string | undefined): Model {
  if (folder === undefined || model.files.every((file) => file.sha256 !== undefined)) return model;
  const path = join(folder, model.id, 'SHA256SUMS');
  if (!existsSync(path)) return model;
  const sums = new Map<string, string>();
  for (const [, sha256, name] of readFileSync(path, 'utf8').matchAll(/^([0-9a-f]{64}) [ *](.+)$/gm))
    sums.set(name!, sha256!);
  const files = model.files.map((file) => {
    const sha256 = file.sha256 ?? sums.get(file.path);
    return sha256 === undefined ? file : { ...file, sha256 };
  });
  return { ...model, files };
}

function stateError(model: Model, state: ModelState, reason: string | undefined): LivedubError {
  const why = reason === undefined ? '' : `: ${reason}`;
  if (state === 'refused')
    return new LivedubError('LIVEDUB_E_MODEL_LICENCE', `${model.id} is refused${why}.`);
  if (state === 'corrupt')
    return new LivedubError('LIVEDUB_E_MODEL_CORRUPT', `${model.id} is damaged${why}.`);
  const remedy =
    model.system !== undefined
      ? `Run as root: apt-get install ${model.system.packages.join(' ')}`
      : state === 'unverifiable'
        ? `Put the files into LIVEDUB_MODEL_DIR/${model.id}/ with a SHA256SUMS that says which bytes you trust.`
        : `livedub models pull ${model.id}`;
  return new LivedubError('LIVEDUB_E_MODEL_MISSING', `${model.id} is not installed${why}.`, { remedy });
}
