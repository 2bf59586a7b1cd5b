import type { ClauseFrame, HypothesisFrame, TranslationFrame } from '../../pipeline/frames.ts';
import type { PictureFate } from '../../pipeline/media/recorder.ts';
import type {
  PipelineObserver,
  PlacedUtterance,
  SkippedSpeech,
  StageTiming,
} from '../../pipeline/observer.ts';
import type { EngineInfo, LanguageCode } from '../../pipeline/ports/engine.ts';
import { Distribution, type Percentiles } from './distribution.ts';
import type { FaceFigures } from './face-tally.ts';
import type { ResourceFigures } from './resource-meter.ts';

export interface ReportUtterance {
  readonly language: LanguageCode;
  readonly text: string;
  readonly unknownWords: readonly string[];
  readonly outcome: PlacedUtterance['outcome'] | 'not-translated';
  readonly startMs: number | null;
  readonly endMs: number | null;
  /** Speaking-rate factor. */
  readonly rate: number | null;
  /** Start after the start of the clause. */
  readonly latenessMs: number | null;
  readonly translator: EngineInfo | null;
  readonly synthesiser: EngineInfo | null;
  readonly voice: string | null;
}

export interface ReportClause {
  readonly id: number;
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly confidence: number;
  /** Media time from the clause's end to its commit. */
  readonly commitLatencyMs: number;
  readonly recogniser: EngineInfo;
  readonly dubs: readonly ReportUtterance[];
}

/** What marks the sound of a dubbed track. */
export interface TrackMark {
  /** As verification names it: 9 hexadecimal digits. */
  readonly rendition: string;
  readonly keyId: number;
  readonly issuer: string;
}

/** A file in which faces speak a language. */
export interface ReportFace extends Omit<FaceFigures, 'isMarked'> {
  /** Name of the file, in the folder of the results. */
  readonly file: string;
  /** Name of the file that explains it, where one was asked for. */
  readonly explainFile?: string;
  /** Of the picture; null where it is too small to bear one. */
  readonly mark: TrackMark | null;
  readonly engine: string;
  /** Where the pixels were made: `cpu`, or the GPU's name. */
  readonly canvas: string;
}

export interface ReportLanguage {
  readonly language: LanguageCode;
  readonly mark: TrackMark;
  readonly spoken: number;
  readonly skipped: number;
  readonly rateMean: number | null;
  readonly rateMax: number | null;
  readonly latenessMs: Percentiles | null;
  /** Present where faces were to speak and there was a picture. */
  readonly face?: ReportFace;
}

export interface DubReport {
  readonly format: 'livedub-report/1';
  readonly sourceLanguage: LanguageCode;
  readonly partial: boolean;
  readonly warnings: readonly string[];
  readonly clauses: readonly ReportClause[];
  readonly leftOriginal: readonly { startMs: number; endMs: number; reason: SkippedSpeech['reason'] }[];
  readonly languages: readonly ReportLanguage[];
  readonly picture: PictureFate;
  readonly totals: {
    readonly mediaSeconds: number;
    readonly wallSeconds: number;
    readonly speed: number;
    /** Media time from the onset of a segment to its first partial transcript. */
    readonly firstPartialMs: Percentiles | null;
    readonly commitLatencyMs: Percentiles | null;
    /** CPU of this process and its helpers, s. */
    readonly cpuSeconds: number;
    /** Of that, the engines' own compute, by engine. */
    readonly engineCpuSeconds: Readonly<Record<string, number>>;
    /** Of that, helper programs, by name. */
    readonly childCpuSeconds: Readonly<Record<string, number>>;
    readonly stages: Readonly<Record<string, Percentiles & { busySeconds: number }>>;
    readonly peakMemoryBytes: number;
  };
}

export interface ReportFigures extends ResourceFigures {
  readonly sourceLanguage: LanguageCode;
  /** In the order of the languages. */
  readonly marks: readonly TrackMark[];
  /** In the order of the languages. Empty: no faces were moved. */
  readonly faces: readonly ReportFace[];
  readonly picture: PictureFate;
  readonly partial: boolean;
  readonly warnings: readonly string[];
  readonly mediaSeconds: number;
  readonly engineCpuSeconds: Readonly<Record<string, number>>;
}

type Draft = Omit<ReportClause, 'dubs'> & { dubs: Map<LanguageCode, ReportUtterance> };

/** Longest list of degradations told one by one. */
const MAX_WARNINGS = 50;

/** Collects what happens in a channel into the report of its dub. */
export class ReportCollector implements PipelineObserver {
  readonly #languages: readonly LanguageCode[];
  readonly #clauses = new Map<number, Draft>();
  readonly #left: SkippedSpeech[] = [];
  readonly #stages = new Map<string, Distribution>();
  readonly #partials = new Distribution();
  readonly #commits = new Distribution();
  readonly #segmentsSeen = new Set<number>();
  readonly #warnings: string[] = [];

  constructor(languages: readonly LanguageCode[]) {
    this.#languages = languages;
  }

  get clauses(): readonly Draft[] {
    return [...this.#clauses.values()];
  }

  /** Speech left original so far. */
  get leftOriginal(): readonly SkippedSpeech[] {
    return this.#left;
  }

  hypothesis(frame: HypothesisFrame): void {
    if (this.#segmentsSeen.has(frame.segmentId)) return;
    this.#segmentsSeen.add(frame.segmentId);
    this.#partials.add((frame.mediaTimeUs - frame.speechStartUs) / 1000);
  }

  clause(frame: ClauseFrame): void {
    const commitLatencyMs = (frame.mediaTimeUs - frame.endUs) / 1000;
    this.#commits.add(commitLatencyMs);
    this.#clauses.set(frame.id, {
      id: frame.id,
      text: frame.text,
      startMs: frame.startUs / 1000,
      endMs: frame.endUs / 1000,
      confidence: round(frame.confidence, 3),
      commitLatencyMs: round(commitLatencyMs, 0),
      recogniser: frame.recogniser,
      dubs: new Map(),
    });
  }

  translation(frame: TranslationFrame): void {
    this.#clauses.get(frame.clause.id)?.dubs.set(frame.language, {
      language: frame.language,
      text: frame.text,
      unknownWords: frame.unknownWords,
      outcome: 'failed',
      startMs: null,
      endMs: null,
      rate: null,
      latenessMs: null,
      translator: frame.translator,
      synthesiser: null,
      voice: null,
    });
  }

  utterance(placed: PlacedUtterance): void {
    const dubs = this.#clauses.get(placed.clauseId)?.dubs;
    const before = dubs?.get(placed.language);
    if (!dubs || !before) return;
    const spoken = placed.outcome === 'spoken';
    dubs.set(placed.language, {
      ...before,
      outcome: placed.outcome,
      startMs: spoken ? placed.startUs / 1000 : null,
      endMs: spoken ? placed.endUs / 1000 : null,
      rate: spoken ? round(placed.rate, 3) : null,
      latenessMs: spoken ? round(placed.latenessMs, 1) : null,
      synthesiser: placed.synthesiser,
      voice: placed.voiceId,
    });
  }

  skippedSpeech(skipped: SkippedSpeech): void {
    this.#left.push(skipped);
  }

  degraded(stage: string, error: Error): void {
    if (this.#warnings.length < MAX_WARNINGS) this.#warnings.push(`${stage}: ${error.message}`);
  }

  stageTiming({ stage, busyMs }: StageTiming): void {
    let times = this.#stages.get(stage);
    if (!times) {
      times = new Distribution();
      this.#stages.set(stage, times);
    }
    times.add(busyMs);
  }

  finish(figures: ReportFigures): DubReport {
    const clauses = [...this.#clauses.values()].map(({ dubs, ...clause }) => ({
      ...clause,
      dubs: this.#languages.map((language) => dubs.get(language) ?? notTranslated(language)),
    }));
    return {
      format: 'livedub-report/1',
      sourceLanguage: figures.sourceLanguage,
      partial: figures.partial,
      warnings: [...figures.warnings, ...this.#warnings],
      clauses,
      leftOriginal: this.#left.map((s) => ({
        startMs: s.startUs / 1000,
        endMs: s.endUs / 1000,
        reason: s.reason,
      })),
      languages: this.#languages.map((language, i) => ({
        ...summarise(language, figures.marks[i]!, clauses),
        ...(figures.faces[i] ? { face: figures.faces[i] } : {}),
      })),
      picture: figures.picture,
      totals: {
        mediaSeconds: round(figures.mediaSeconds, 3),
        wallSeconds: round(figures.wallSeconds, 3),
        speed: round(figures.mediaSeconds / figures.wallSeconds, 2),
        firstPartialMs: this.#partials.percentiles(),
        commitLatencyMs: this.#commits.percentiles(),
        cpuSeconds: round(figures.cpuSeconds, 3),
        engineCpuSeconds: figures.engineCpuSeconds,
        childCpuSeconds: figures.childCpuSeconds,
        stages: Object.fromEntries(
          [...this.#stages].map(([stage, times]) => [
            stage,
            { ...times.percentiles()!, busySeconds: round(times.sum / 1000, 3) },
          ]),
        ),
        peakMemoryBytes: figures.peakMemoryBytes,
      },
    };
  }
}

function summarise(
  language: LanguageCode,
  mark: TrackMark,
  clauses: readonly ReportClause[],
): ReportLanguage {
  const dubs = clauses.flatMap((clause) => clause.dubs.filter((dub) => dub.language === language));
  const spoken = dubs.filter((dub) => dub.outcome === 'spoken');
  const rates = spoken.map((dub) => dub.rate!);
  const lateness = new Distribution();
  for (const dub of spoken) lateness.add(dub.latenessMs!);
  return {
    language,
    mark,
    spoken: spoken.length,
    skipped: dubs.length - spoken.length,
    rateMean: rates.length > 0 ? round(rates.reduce((sum, rate) => sum + rate, 0) / rates.length, 3) : null,
    rateMax: rates.length > 0 ? Math.max(...rates) : null,
    latenessMs: lateness.percentiles(),
  };
}

function notTranslated(language: LanguageCode): ReportUtterance {
  return {
    language,
    text: '',
    unknownWords: [],
    outcome: 'not-translated',
    startMs: null,
    endMs: null,
    rate: null,
    latenessMs: null,
    translator: null,
    synthesiser: null,
    voice: null,
  };
}

function round(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
