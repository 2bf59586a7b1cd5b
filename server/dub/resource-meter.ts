import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second in /proc: fixed at 100 for user space on Linux. */
const TICKS_PER_SECOND = 100;
const SAMPLE_EVERY_MS = 500;
const PAGE_BYTES = 4096;

export interface ResourceFigures {
  readonly wallSeconds: number;
  /** This process and its children. */
  readonly cpuSeconds: number;
  /** Of the children, by program name. */
  readonly childCpuSeconds: Readonly<Record<string, number>>;
  /** Highest sum of what this process and its children keep in memory. */
  readonly peakMemoryBytes: number;
}

/**
 * Measures what one job costs: wall time, CPU and peak memory of this process and its children (codecs, media worker,
 * translators). Without /proc only this process is counted.
 */
export class ResourceMeter {
  readonly #startedMs = performance.now();
  readonly #ownBefore = process.cpuUsage();
  readonly #childrenBefore = reapedChildrenSeconds();
  readonly #timer: NodeJS.Timeout;
  readonly #children = new Map<number, { program: string; readonly first: number; last: number }>();
  #peakBytes = 0;

  constructor() {
    this.#sample(true);
    this.#timer = setInterval(() => this.#sample(false), SAMPLE_EVERY_MS);
    this.#timer.unref();
  }

  read(): ResourceFigures {
    this.#sample(false);
    const own = process.cpuUsage(this.#ownBefore);
    const byProgram: Record<string, number> = {};
    let living = 0;
    for (const [pid, { program, first, last }] of this.#children) {
      byProgram[program] = (byProgram[program] ?? 0) + last - first;
      if (existsSync(`/proc/${pid}`)) living += last - first;
    }
    // Children that ended are in the reaped sum, exactly; those that live are read one by one.
    const reaped = reapedChildrenSeconds() - this.#childrenBefore;
    return {
      wallSeconds: (performance.now() - this.#startedMs) / 1000,
      cpuSeconds: (own.user + own.system) / 1e6 + reaped + living,
      childCpuSeconds: byProgram,
      peakMemoryBytes: this.#peakBytes,
    };
  }

  /** Stops measuring. Idempotent. */
  close(): void {
    clearInterval(this.#timer);
  }

  #sample(first: boolean): void {
    let bytes = residentBytes(process.pid);
    for (const child of descendants(process.pid)) {
      bytes += residentBytes(child.pid);
      const entry = this.#children.get(child.pid);
      if (entry) {
        entry.last = child.cpuSeconds;
        // A launcher (setpriv, prlimit) becomes the program it starts.
        entry.program = child.program;
      } else
        this.#children.set(child.pid, {
          program: child.program,
          first: first ? child.cpuSeconds : 0,
          last: child.cpuSeconds,
        });
    }
    this.#peakBytes = Math.max(this.#peakBytes, bytes);
  }
}

interface ProcessFigures {
  readonly pid: number;
  readonly parent: number;
  readonly program: string;
  readonly cpuSeconds: number;
}

function descendants(root: number): ProcessFigures[] {
  let pids: number[];
  try {
    pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
  const children = new Map<number, ProcessFigures[]>();
  for (const pid of pids) {
    const figures = readProcess(pid);
    if (figures) children.set(figures.parent, [...(children.get(figures.parent) ?? []), figures]);
  }
  const found: ProcessFigures[] = [];
  const queue = [root];
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    for (const child of children.get(pid) ?? []) {
      found.push(child);
      queue.push(child.pid);
    }
  }
  return found;
}

/** Fields 2, 4, 14 and 15 of /proc/PID/stat (proc(5)). */
function readProcess(pid: number): ProcessFigures | undefined {
  try {
    const { program, fields } = readStat(pid);
    return {
      pid,
      program,
      parent: Number(fields[1]),
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    };
  } catch {
    return undefined;
  }
}

/** Fields 16 and 17: CPU of children that ended and were waited for. */
function reapedChildrenSeconds(): number {
  try {
    const { fields } = readStat(process.pid);
    return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

function readStat(pid: number): { program: string; fields: string[] } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const end = stat.lastIndexOf(')');
  return { program: stat.slice(stat.indexOf('(') + 1, end), fields: stat.slice(end + 2).split(' ') };
}

/**
 * Memory of a process that no other has: resident pages less the shared ones, which are mapped files (proc(5), statm).
 * Of this process the shared ones count as well, so that they count once.
 */
function residentBytes(pid: number): number {
  if (pid === process.pid) return process.memoryUsage.rss();
  try {
    const [, resident, shared] = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ').map(Number);
    return (resident! - shared!) * PAGE_BYTES;
  } catch {
    return 0;
  }
}
