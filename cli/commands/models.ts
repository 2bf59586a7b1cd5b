import type { Command } from 'commander';
import { installedBytes, isPackaged, type Model } from '../../models/manifest.ts';
import { describePairs, findInstalled, type SupportedPair, supportedPairs } from '../../models/registry.ts';
import { type ModelStatus, ModelStore } from '../../models/store/model-store.ts';
import type { PullProgress } from '../../models/store/pull.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import { shutdownSignal } from '../shutdown.ts';
import { formatTable } from './models-table.ts';

export interface ModelsOptions {
  /** Print one JSON object instead of tables. */
  readonly json: boolean;
  /** Default: a store with the environment's settings. */
  readonly store?: ModelStore;
  /** Where the result goes. Default: standard output. */
  readonly write?: (text: string) => void;
}

export interface ModelsPullOptions extends ModelsOptions {
  readonly ids: readonly string[];
  /** Also the set that makes dubs better without being asked for each. */
  readonly recommended: boolean;
  /** Also what installed packages carry: nothing is downloaded, only looked at, and converted where an engine wants it so. */
  readonly packaged: boolean;
  readonly signal: AbortSignal;
}

const STATE_WORDS: Readonly<Record<ModelStatus['state'], string>> = {
  installed: 'installed',
  missing: '—',
  corrupt: 'damaged',
  refused: 'refused',
  unverifiable: 'unverifiable',
};

/** Prints every model and the language pairs that can be dubbed now. @returns 0 */
export async function listModels(options: ModelsOptions): Promise<number> {
  const store = options.store ?? new ModelStore();
  const write = options.write ?? ((text) => process.stdout.write(text));
  const states = await Promise.all(store.models.map(({ id }) => store.status(id)));
  const pairs = supportedPairs(await findInstalled(store));
  if (options.json) {
    const models = store.models.map((model, at) => describeModel(model, states[at]!));
    write(`${JSON.stringify({ models, pairs: pairs.map(describePair) }, null, 2)}\n`);
    return 0;
  }
  const rows = store.models.map((model, at) => [
    model.id,
    model.task,
    languagesOf(model),
    model.tier ?? '',
    model.licence + (model.commercialUse ? '' : ' (NC)'),
    formatBytes(model.downloadBytes ?? installedBytes(model)),
    model.recommended && states[at]!.state === 'missing' ? 'recommended' : STATE_WORDS[states[at]!.state],
  ]);
  write(`${formatTable(['model', 'task', 'languages', 'tier', 'licence', 'size', 'state'], rows)}\n\n`);
  if (pairs.length === 0) write('No language pair can be dubbed with what is installed: `livedub doctor`.\n');
  else write(`${pairTable(pairs)}\n`);
  return 0;
}

/** Fetches models. @returns 0; fails with the store's errors */
export async function pullModels(options: ModelsPullOptions): Promise<number> {
  const store = options.store ?? new ModelStore();
  const write = options.write ?? ((text) => process.stdout.write(text));
  const ids = new Set(options.ids);
  for (const model of store.models) {
    if (options.recommended && model.recommended) ids.add(model.id);
  }
  if (ids.size === 0 && !options.packaged)
    for (const model of store.models) if (model.recommended) ids.add(model.id);
  const pulled: ModelStatus[] = [];
  if (ids.size > 0) {
    const onProgress = options.json ? () => {} : progressPrinter(write);
    for (const id of ids) {
      await store.pull([id], { signal: options.signal, onProgress });
      pulled.push(await store.status(id));
    }
  }
  const missing: ModelStatus[] = [];
  if (options.packaged) {
    for (const model of store.models.filter((model) => isPackaged(model) && model.files.length > 0)) {
      if (model.convert !== undefined) await store.pull([model.id], { signal: options.signal });
      const [status] = await store.verify([model.id]);
      (status!.state === 'installed' ? pulled : missing).push(status!);
      if (!options.json)
        write(`${model.id}: ${STATE_WORDS[status!.state]}${status!.reason ? `, ${status!.reason}` : ''}\n`);
    }
  }
  if (options.json) write(`${JSON.stringify({ models: [...pulled, ...missing] }, null, 2)}\n`);
  if (missing.length > 0) {
    const { id, reason, state } = missing[0]!;
    const code = state === 'corrupt' ? 'LIVEDUB_E_MODEL_CORRUPT' : 'LIVEDUB_E_MODEL_MISSING';
    throw new LivedubError(code, `${id}: ${reason ?? state}.`, {
      remedy: 'Run `npm start`, which sets up what is missing.',
    });
  }
  return 0;
}

/** Reads every file again. @returns 0 when nothing installed is damaged, else 1 */
export async function verifyModels(
  options: ModelsOptions & { readonly ids: readonly string[] },
): Promise<number> {
  const store = options.store ?? new ModelStore();
  const write = options.write ?? ((text) => process.stdout.write(text));
  const states = await store.verify(options.ids.length > 0 ? options.ids : undefined);
  const damaged = states.filter(({ state }) => state === 'corrupt');
  const wanted = options.ids.length > 0 ? states.filter(({ state }) => state !== 'installed') : damaged;
  if (options.json) write(`${JSON.stringify({ ok: wanted.length === 0, models: states }, null, 2)}\n`);
  else {
    const rows = states.map(({ id, state, reason }) => [id, STATE_WORDS[state], reason ?? '']);
    write(`${formatTable(['model', 'state', 'why'], rows)}\n`);
    for (const { id } of damaged) write(`\n${id} is damaged. Remedy: livedub models pull ${id}\n`);
  }
  return wanted.length === 0 ? 0 : 1;
}

/** Runs `livedub models …`. @param args words after `models` @returns exit code */
export async function modelsCommand(args: readonly string[]): Promise<number> {
  const [action, ...rest] = args;
  const flags = new Set(rest.filter((word) => word.startsWith('--')));
  const ids = rest.filter((word) => !word.startsWith('--'));
  const json = flags.has('--json');
  if (action === 'list') return listModels({ json });
  if (action === 'verify') return verifyModels({ json, ids });
  if (action !== 'pull')
    throw new LivedubError('LIVEDUB_E_USAGE', `livedub models has no action ${action ?? ''}.`);
  const [recommended, packaged] = [flags.has('--recommended'), flags.has('--packaged')];
  return pullModels({ json, ids, recommended, packaged, signal: shutdownSignal() });
}

/** Adds `livedub models list|pull|verify`. */
export function registerModels(program: Command): void {
  const models = program.command('models').description('list, fetch and verify the models');
  const json = ['--json', 'print one JSON object'] as const;
  models
    .command('list')
    .description('what is known and installed, and which language pairs follow')
    .option(...json)
    .action(async ({ json = false }: { json?: boolean }) => {
      process.exitCode = await listModels({ json });
    });
  models
    .command('pull')
    .description('fetch models; without ids the recommended ones')
    .argument('[ids...]')
    .option('--recommended', 'the recommended set')
    .option('--packaged', 'check what installed packages carry')
    .option(...json)
    .action(async (ids: string[], given: { recommended?: boolean; packaged?: boolean; json?: boolean }) => {
      const { recommended = false, packaged = false, json = false } = given;
      process.exitCode = await pullModels({ ids, recommended, packaged, json, signal: shutdownSignal() });
    });
  models
    .command('verify')
    .description('read every file again and compare its SHA-256')
    .argument('[ids...]')
    .option(...json)
    .action(async (ids: string[], { json = false }: { json?: boolean }) => {
      process.exitCode = await verifyModels({ ids, json });
    });
}

function describeModel(model: Model, status: ModelStatus): Record<string, unknown> {
  const { id, version, title, task, languages, pairs, tier, licence, commercialUse, recommended } = model;
  const bytes = installedBytes(model);
  const { state, reason } = status;
  const downloadBytes = model.downloadBytes ?? bytes;
  return {
    id,
    version,
    title,
    task,
    languages,
    pairs,
    tier,
    licence,
    commercialUse,
    recommended,
    bytes,
    downloadBytes,
    state,
    reason,
  };
}

function describePair({
  from,
  to,
  tier,
  via,
  recogniser,
  translator,
  speakers,
}: SupportedPair): Record<string, unknown> {
  const voices = speakers.map(({ voice }) => voice.id);
  return { from, to, tier, via, recogniser: recogniser.model, translator: translator.engine, voices };
}

function pairTable(pairs: readonly SupportedPair[]): string {
  const groups = new Map<string, SupportedPair[]>();
  for (const pair of pairs) {
    // A recogniser of a hundred languages into one target is one row.
    const key = [pair.to, pair.tier, pair.via.join(), pair.recogniser.model, pair.translator.engine].join();
    groups.set(key, [...(groups.get(key) ?? []), pair]);
  }
  const rows = [...groups.values()].map((group) => {
    const [{ to, tier, via, recogniser, translator, speakers }] = group as [SupportedPair];
    const from = group.length > 4 ? `${group.length} languages` : group.map((pair) => pair.from).join(', ');
    const way = via.length === 0 ? translator.engine : `${translator.engine} via ${via.join(', ')}`;
    return [`${from} → ${to}`, tier, recogniser.model, way, speakers[0]?.voice.id ?? ''];
  });
  const table = formatTable(['dub', 'tier', 'recognition', 'translation', 'voice'], rows);
  return rows.length <= 40 ? table : `${describePairs(pairs)}\n`;
}

function languagesOf({ pairs, languages }: Model): string {
  if (pairs !== undefined) {
    const [first, second] = pairs;
    if (first !== undefined)
      return second === undefined ? `${first[0]} → ${first[1]}` : `${first[0]} ↔ ${first[1]}`;
  }
  return languages.includes('mul') ? 'many' : languages.join(' ');
}

function formatBytes(bytes: number): string {
  return bytes === 0 ? '' : bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${Math.round(bytes / 1e6)} MB`;
}

/** One line a step, and one each tenth of a long download: readable in a log as on a terminal. */
function progressPrinter(write: (text: string) => void): (progress: PullProgress) => void {
  let last = '';
  return ({ id, phase, what, receivedBytes, totalBytes }) => {
    const tenth = receivedBytes && totalBytes ? Math.floor((10 * receivedBytes) / totalBytes) : 0;
    const key = `${id} ${phase} ${what} ${tenth}`;
    if (key === last) return;
    last = key;
    write(
      phase === 'done'
        ? `${id}: installed\n`
        : `${id}: ${phase} ${what}${tenth > 0 ? ` ${tenth * 10} %` : ''}\n`,
    );
  };
}
