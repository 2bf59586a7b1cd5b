import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second in /proc: fixed at 100 for user space on Linux. */
const TICKS_PER_SECOND = 100;
const SAMPLE_EVERY_MS = 500;
/** Proportional memory takes the system a while to add up. */
const MEMORY_EVERY_MS = 5000;

export interface TreeFigures {
  readonly wallSeconds: number;
  /** CPU of a process and all that it started, by kind. */
  readonly cpuSeconds: ReadonlyMap<string, number>;
  /** Highest sum of proportional set sizes. */
  readonly peakMemoryBytes: number;
}

interface Seen {
  readonly kind: string;
  readonly first: number;
  last: number;
}

/**
 * Adds up what a process and all its descendants cost from now on. CPU of a child that ended and was waited for counts with
 * its parent.
 */
export class ProcessTreeMeter {
  readonly #root: number;
  readonly #kindOf: (commandLine: string) => string;
  readonly #startedMs = performance.now();
  readonly #seen = new Map<number, Seen>();
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #withMemory: boolean;
  #peakBytes = 0;

  /**
   * @param kindOf names the kind of a process by its command line
   * @param options.memory whether memory is looked at, too; default true
   */
  constructor(root: number, kindOf: (commandLine: string) => string, options: { memory?: boolean } = {}) {
    this.#root = root;
    this.#kindOf = kindOf;
    this.#withMemory = options.memory ?? true;
    this.#sampleCpu(true);
    this.#sampleMemory();
    this.#timers = [
      setInterval(() => this.#sampleCpu(false), SAMPLE_EVERY_MS),
      setInterval(() => this.#sampleMemory(), MEMORY_EVERY_MS),
    ];
  }

  /** Stops measuring. */
  end(): TreeFigures {
    for (const timer of this.#timers) clearInterval(timer);
    this.#sampleCpu(false);
    this.#sampleMemory();
    const cpuSeconds = new Map<string, number>();
    for (const { kind, first, last } of this.#seen.values())
      cpuSeconds.set(kind, (cpuSeconds.get(kind) ?? 0) + last - first);
    return {
      wallSeconds: (performance.now() - this.#startedMs) / 1000,
      cpuSeconds,
      peakMemoryBytes: this.#peakBytes,
    };
  }

  #sampleCpu(first: boolean): void {
    for (const { pid, cpuSeconds } of tree(this.#root)) {
      const seen = this.#seen.get(pid);
      if (seen) seen.last = cpuSeconds;
      else
        this.#seen.set(pid, {
          kind: this.#kindOf(commandLine(pid)),
          first: first ? cpuSeconds : 0,
          last: cpuSeconds,
        });
    }
  }

  #sampleMemory(): void {
    if (!this.#withMemory) return;
    const bytes = tree(this.#root).reduce((sum, { pid }) => sum + proportionalBytes(pid), 0);
    this.#peakBytes = Math.max(this.#peakBytes, bytes);
  }
}

interface ProcessFigures {
  readonly pid: number;
  readonly parent: number;
  readonly cpuSeconds: number;
}

/** A process and its descendants. */
function tree(root: number): ProcessFigures[] {
  const all = readdirSync('/proc')
    .map(Number)
    .filter(Number.isInteger)
    .flatMap((pid) => readProcess(pid) ?? []);
  const found = all.filter(({ pid }) => pid === root);
  // Grows while it is walked.
  for (const one of found) found.push(...all.filter(({ parent }) => parent === one.pid));
  return found;
}

/** Fields 4 and 14 to 17 of /proc/PID/stat (proc(5)): parent, own CPU, CPU of children that were waited for. */
function readProcess(pid: number): ProcessFigures | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
    return { pid, parent: Number(fields[1]), cpuSeconds: ticks / TICKS_PER_SECOND };
  } catch {
    return undefined;
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

function proportionalBytes(pid: number): number {
  try {
    const kib = /^Pss: +(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1];
    return Number(kib ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** CPU of the whole machine since it started: all of it, and what nobody used, s. */
export function machineSeconds(): { readonly total: number; readonly idle: number } {
  const fields = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0]!.trim().split(/\s+/u).slice(1, 9);
  const ticks = fields.map(Number);
  return {
    total: ticks.reduce((sum, value) => sum + value, 0) / TICKS_PER_SECOND,
    idle: (ticks[3]! + ticks[4]!) / TICKS_PER_SECOND,
  };
}
