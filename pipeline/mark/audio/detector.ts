import type { MarkCandidate, MarkDetection, MarkFinding } from '../finding.ts';
import type { MarkKey } from '../mark-key.ts';
import type { Warp } from './cell-grid.ts';
import { DETECT_RATE_HZ, SpectrumAnalyser } from './compressed-spectra.ts';
import { AudioMarkLayout } from './layout.ts';
import { Trials } from './payload-reader.ts';
import { WindowSearch } from './window-search.ts';

export interface AudioMarkDetectorOptions {
  /** Keys whose marks are looked for. */
  keys: readonly MarkKey[];
  /** Payloads that were issued with them, newest first: recognises what is too damaged to be read. Default: none. */
  candidates?: readonly MarkCandidate[];
}

export interface AudioDetectOptions {
  /** Stops between two windows. */
  signal?: AbortSignal;
  /** Looks at no more of the clip, s. Default: all of it. */
  maxSeconds?: number;
}

/** Length of the windows a clip is looked at in, and by how much one that gave nothing is moved, s. */
const WINDOW_S = 10;
const MOVE_S = 5;
/** Where windows give nothing, longer ones are tried, s. */
const LONG_WINDOWS_S = [20, 40];
/** Less than this holds no mark that could be read, s. */
const LEAST_S = 0.5;
/** A window with more left over than this is looked at once more without what was found, s. */
const LEFT_OVER_S = 2.5;
/** Findings of one rendition that are no further apart are one, s. */
const JOIN_S = 7.5;

type Found = MarkFinding & { readonly warp?: Warp };

/**
 * Finds audio marks in sound without knowing what it was before it was marked. Every finding is over a threshold that bounds
 * false alarms to one in a million clips, whatever the clip is; what is not sure is not told.
 */
export class AudioMarkDetector {
  readonly #layouts: readonly AudioMarkLayout[];
  readonly #candidates: readonly MarkCandidate[];
  readonly #analyser: SpectrumAnalyser;

  private constructor(
    layouts: readonly AudioMarkLayout[],
    candidates: readonly MarkCandidate[],
    analyser: SpectrumAnalyser,
  ) {
    this.#layouts = layouts;
    this.#candidates = candidates;
    this.#analyser = analyser;
  }

  static async create(options: AudioMarkDetectorOptions): Promise<AudioMarkDetector> {
    const layouts = await Promise.all(options.keys.map((key) => AudioMarkLayout.create(key)));
    return new AudioMarkDetector(layouts, options.candidates ?? [], await SpectrumAnalyser.create());
  }

  /** @param samples 16 kHz mono */
  async detect(samples: Float32Array, options: AudioDetectOptions = {}): Promise<MarkDetection> {
    return this.detectStream(once(samples), options);
  }

  /**
   * Looks at a clip as it comes, in memory that does not grow with its length.
   *
   * @param chunks 16 kHz mono, of any length
   */
  async detectStream(
    chunks: AsyncIterable<Float32Array>,
    options: AudioDetectOptions = {},
  ): Promise<MarkDetection> {
    const clip = new ClipSearch(
      this.#analyser,
      new WindowSearch({ layouts: this.#layouts, candidates: this.#candidates }),
    );
    const most = (options.maxSeconds ?? Number.POSITIVE_INFINITY) * DETECT_RATE_HZ;
    let taken = 0;
    for await (const chunk of chunks) {
      options.signal?.throwIfAborted();
      const part = chunk.subarray(0, Math.max(0, most - taken));
      taken += part.length;
      // A long chunk is handed on in parts, so that no more than the longest window is kept.
      for (let at = 0; at < part.length; at += DETECT_RATE_HZ) {
        options.signal?.throwIfAborted();
        clip.push(part.subarray(at, at + DETECT_RATE_HZ));
      }
      if (taken >= most) break;
    }
    return clip.finish();
  }
}

async function* once(samples: Float32Array): AsyncGenerator<Float32Array> {
  yield samples;
}

/** One clip on its way through the detector. */
class ClipSearch {
  readonly #analyser: SpectrumAnalyser;
  readonly #search: WindowSearch;
  readonly #trials = new Trials();
  /** The last of the clip, as long as the longest window. */
  #kept = new Float32Array(2 ** 18);
  #keptSamples = 0;
  #keptFrom = 0;
  /** Where the next window begins, in samples of the clip. */
  #next = 0;
  /** Since where nothing was found. */
  #blankFrom = 0;
  /** Up to where the clip was looked at, and up to where at all speeds. */
  #lookedTo = 0;
  #allSpeedsTo = 0;
  readonly #findings: Found[] = [];
  #warp: Warp | undefined;
  #presence: MarkDetection['presence'];

  constructor(analyser: SpectrumAnalyser, search: WindowSearch) {
    this.#analyser = analyser;
    this.#search = search;
  }

  push(samples: Float32Array): void {
    this.#keep(samples);
    while (this.#end - this.#next >= WINDOW_S * DETECT_RATE_HZ)
      this.#window(this.#next + WINDOW_S * DETECT_RATE_HZ);
  }

  finish(): MarkDetection {
    const unseen = this.#end - this.#lookedTo;
    if (unseen >= LEAST_S * DETECT_RATE_HZ || (this.#lookedTo === 0 && unseen > 0)) {
      // The last window is a whole one again, where the clip is long enough.
      this.#next = Math.max(0, this.#end - WINDOW_S * DETECT_RATE_HZ);
      this.#window(this.#end, true);
    }
    const findings = joined(this.#findings);
    const found = new Set(findings.map(({ payload }) => payload.keyId));
    const presence = this.#presence;
    return {
      findings,
      presence: presence && !found.has(presence.keyId) ? presence : undefined,
      examinedS: this.#end / DETECT_RATE_HZ,
    };
  }

  get #end(): number {
    return this.#keptFrom + this.#keptSamples;
  }

  #keep(samples: Float32Array): void {
    const most = Math.max(...LONG_WINDOWS_S) * DETECT_RATE_HZ;
    const drop = Math.max(0, this.#keptSamples + samples.length - most - WINDOW_S * DETECT_RATE_HZ);
    if (drop > 0) {
      this.#kept.copyWithin(0, drop, this.#keptSamples);
      this.#keptSamples -= drop;
      this.#keptFrom += drop;
    }
    if (this.#keptSamples + samples.length > this.#kept.length) {
      const wider = new Float32Array(2 * this.#kept.length);
      wider.set(this.#kept);
      this.#kept = wider;
    }
    for (let i = 0; i < samples.length; i += 1) {
      const sample = samples[i]!;
      this.#kept[this.#keptSamples + i] = Number.isFinite(sample) ? sample : 0;
    }
    this.#keptSamples += samples.length;
  }

  /** Looks at the clip from `#next` to a sample, and at what is before it where that was not enough. */
  #window(to: number, isLast = false): void {
    const from = this.#next;
    // Windows overlap by half, but all speeds are tried once in all of the clip.
    const speeds = from >= this.#allSpeedsTo || isLast ? 'all' : 'first';
    const last = this.#look(from, to, 2, speeds);
    this.#lookedTo = to;
    if (speeds === 'all' || last !== undefined) this.#allSpeedsTo = to;
    if (last !== undefined) {
      this.#next = to;
      this.#blankFrom = to;
      return;
    }
    this.#next = Math.min(to, from + MOVE_S * DETECT_RATE_HZ);
    for (const seconds of LONG_WINDOWS_S) {
      const length = seconds * DETECT_RATE_HZ;
      const isDue =
        Math.floor((to - this.#blankFrom) / length) > Math.floor((from - this.#blankFrom) / length);
      if (!isDue || to - this.#blankFrom < length) continue;
      if (this.#look(to - length, to, 0, 'first') !== undefined) {
        this.#blankFrom = to;
        this.#next = to;
        return;
      }
    }
  }

  /** Findings of a stretch of the clip, and of what is left over beside them; undefined if there are none. */
  #look(from: number, to: number, deeper: number, speeds: 'all' | 'first'): Found | undefined {
    if (to - from < LEAST_S * DETECT_RATE_HZ) return undefined;
    const samples = this.#kept.subarray(from - this.#keptFrom, to - this.#keptFrom);
    if (isSilent(samples)) return undefined;
    const startS = from / DETECT_RATE_HZ;
    const { findings, presence } = this.#search.search(this.#analyser.analyse(samples), startS, {
      trials: this.#trials,
      first: this.#warp,
      speeds,
    });
    let last: Found | undefined;
    for (const finding of findings) {
      this.#findings.push(finding);
      this.#warp = finding.warp;
      last = finding;
    }
    for (const [keyId, { score, threshold }] of presence)
      if (score >= threshold && score > (this.#presence?.score ?? 0))
        this.#presence = { keyId, score, threshold };
    if (deeper === 0) return last;
    const least = LEFT_OVER_S * DETECT_RATE_HZ;
    if (last === undefined) {
      // Two renditions cut together may hide each other: their synchronisations are there, their payloads disagree.
      const isMarked = [...presence.values()].some(({ score, threshold }) => score >= threshold);
      if (!isMarked || to - from < 2 * least) return undefined;
      const middle = Math.round((from + to) / 2);
      const before = this.#look(from, middle, deeper - 1, 'first');
      return this.#look(middle, to, deeper - 1, 'first') ?? before;
    }
    const startsAt = Math.round(Math.min(...findings.map((one) => one.startS)) * DETECT_RATE_HZ);
    const endsAt = Math.round(Math.max(...findings.map((one) => one.endS)) * DETECT_RATE_HZ);
    if (startsAt - from >= least) this.#look(from, startsAt, deeper - 1, 'first');
    if (to - endsAt >= least) this.#look(endsAt, to, deeper - 1, 'first');
    return last;
  }
}

function isSilent(samples: Float32Array): boolean {
  return samples.every((sample) => sample === 0);
}

/** Findings by place; those of one rendition that go on after each other are one. */
function joined(findings: readonly Found[]): MarkFinding[] {
  const sorted = [...findings].sort((a, b) => a.startS - b.startS);
  const all: MarkFinding[] = [];
  for (const { warp: _warp, ...finding } of sorted) {
    const at = all.findLastIndex((one) => isSame(one, finding));
    const before = all[at];
    if (before === undefined || finding.startS - before.endS > JOIN_S) {
      all.push(finding);
      continue;
    }
    const best = finding.score > before.score ? finding : before;
    all[at] = {
      ...best,
      payload: before.payload,
      startS: before.startS,
      endS: Math.max(before.endS, finding.endS),
    };
  }
  return all;
}

function isSame(a: MarkFinding, b: MarkFinding): boolean {
  return (
    a.payload.keyId === b.payload.keyId &&
    a.payload.rendition === b.payload.rendition &&
    // A rendition played again from elsewhere is another finding.
    Math.abs(b.payload.minute - a.payload.minute - Math.round((b.startS - a.startS) / 60)) <= 1
  );
}
