import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** An optional step that failed is left alone for this long, so that every start does not wait for it again. */
export const RETRY_AFTER_MS = 60 * 60 * 1000;

/** Ends set-up with one clear line and what to do about it. */
export class SetupError extends Error {
  constructor(message, remedy) {
    super(message);
    this.name = 'SetupError';
    this.remedy = remedy;
  }
}

/**
 * A step of set-up.
 * @typedef {object} Step
 * @property {string} id
 * @property {string} title what people read
 * @property {boolean} required without it the main job cannot run
 * @property {string[]} [needs] ids of steps that must be there first
 * @property {() => Promise<{ ok: boolean, detail?: string }> | { ok: boolean, detail?: string }} check fast, changes nothing
 * @property {(context: { signal: AbortSignal, note: (text: string) => void }) => Promise<void>} install
 */

/**
 * Brings every step to `ok`. Checks first, without a lock: when nothing is to do, nothing is written. A required step
 * that fails does not keep independent ones from running; all failures come back together.
 * @param {Step[]} steps
 * @param {{ lock: (signal: AbortSignal) => Promise<() => void>, failureStamp: (id: string) => string,
 *   progress: { begin(title: string): void, note(text: string): void, end(mark: string, text: string): void },
 *   signal: AbortSignal, retry?: boolean, nowMs?: () => number }} context
 */
export async function runSteps(steps, context) {
  const { progress, signal, failureStamp, nowMs = Date.now } = context;
  const plan = await planSteps(steps, { failureStamp, nowMs, retry: context.retry ?? false });
  if (plan.install.length === 0) return { installed: [], missing: plan.postponed, failures: [] };

  const release = await context.lock(signal);
  try {
    const result = { installed: [], missing: [...plan.postponed], failures: [] };
    const down = new Set(plan.postponed.map((entry) => entry.id));
    for (const step of plan.install) {
      signal.throwIfAborted();
      const blocker = step.needs?.find((id) => down.has(id));
      if (blocker) {
        down.add(step.id);
        const reason = `waits for ${blocker}`;
        (step.required ? result.failures : result.missing).push({ id: step.id, title: step.title, reason });
        continue;
      }
      // Another set-up may have done it while this one waited for the lock.
      if ((await step.check()).ok) continue;
      progress.begin(step.title);
      try {
        await step.install({ signal, note: (text) => progress.note(text) });
        signal.throwIfAborted();
        const after = await step.check();
        if (!after.ok) throw new SetupError(after.detail ?? `${step.title}: still missing`, undefined);
        rmSync(failureStamp(step.id), { force: true });
        result.installed.push(step.id);
        progress.end('✓', step.title);
      } catch (error) {
        signal.throwIfAborted();
        down.add(step.id);
        const failure = { id: step.id, title: step.title, reason: error.message, remedy: error.remedy };
        (step.required ? result.failures : result.missing).push(failure);
        if (!step.required) writeWhole(failureStamp(step.id), JSON.stringify({ atMs: nowMs(), ...failure }));
        // The reason and the remedy stand in the summary, together with those of the other steps.
        progress.end(step.required ? '✗' : '–', `${step.title}: not installed`);
      }
    }
    return result;
  } finally {
    release();
  }
}

/**
 * What there is to install, and which optional steps are postponed because they failed a short while ago.
 * @param {Step[]} steps
 */
export async function planSteps(steps, { failureStamp, nowMs = Date.now, retry = false }) {
  const plan = { install: [], postponed: [] };
  for (const step of steps) {
    if ((await step.check()).ok) continue;
    const last = step.required || retry ? undefined : readFailure(failureStamp(step.id));
    const recent = last !== undefined && nowMs() - last.atMs < RETRY_AFTER_MS && nowMs() >= last.atMs;
    if (recent)
      plan.postponed.push({ id: step.id, title: step.title, reason: last.reason, remedy: last.remedy });
    else plan.install.push(step);
  }
  return plan;
}

function readFailure(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Writes a file so that it is there whole or not at all. */
export function writeWhole(file, content) {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.part`;
  writeFileSync(draft, content);
  renameSync(draft, file);
}
