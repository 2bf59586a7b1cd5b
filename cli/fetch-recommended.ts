import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ModelStore } from '../models/store/model-store.ts';
import { repositoryRoot } from '../pipeline/cache-paths.ts';

export interface FetchRecommendedOptions {
  /** Aborting ends the download; the next start goes on where it stopped. */
  signal: AbortSignal;
  say: (line: string) => void;
}

/**
 * Fetches the recommended models that are missing, in a process of its own at low priority, beside whatever else goes on.
 * New dubs use them once they are there. Never fails: without a network the models stay "not installed".
 */
export async function fetchRecommended({ signal, say }: FetchRecommendedOptions): Promise<void> {
  if (process.env.LIVEDUB_FETCH_MODELS === '0' || signal.aborted) return;
  const store = new ModelStore();
  const states = await Promise.all(
    store.models.filter((model) => model.recommended).map(({ id }) => store.status(id)),
  );
  const missing = states.filter(({ state }) => state !== 'installed').map(({ id }) => id);
  if (missing.length === 0) return;
  say(`models: fetching ${missing.join(', ')} beside this; what is installed works meanwhile.`);
  const child = spawn(
    process.execPath,
    [join(repositoryRoot, 'cli/bin/livedub.mjs'), 'models', 'pull', ...missing],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LIVEDUB_SKIP_SETUP: '1' },
    },
  );
  const stop = () => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  } catch {
    // The process may be gone already, or the system may not allow it; it is only a courtesy.
  }
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => say(`models: ${line}`));
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('close', resolve);
  });
  signal.removeEventListener('abort', stop);
  if (code === 0)
    say('models: the recommended models are installed; `livedub models list` shows what they add.');
  else if (!signal.aborted) say('models: not all could be fetched; try `livedub models pull` later.');
}
