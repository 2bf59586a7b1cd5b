import type { LanguageDemand } from '../../pipeline/demand.ts';
import { FACE_GUARDS, type FaceGuard } from '../../pipeline/ports/reanimator.ts';
import type { ChannelSettings, FaceView, Notice, RenditionControl } from './contract.ts';
import type { DemandBook } from './demand.ts';
import type { DubLink } from './dub-link.ts';
import type { Programme } from './programme.ts';
import type { FromLiveWorker } from './worker-messages.ts';

export interface ChannelFacesOptions {
  channelId: string;
  settings: () => ChannelSettings;
  /** What the operator does to a language now. */
  control: (language: string) => RenditionControl;
  demand: DemandBook;
  programme: () => Programme | undefined;
  link: () => DubLink | undefined;
  onNotice: (notice: Omit<Notice, 'kind'>) => void;
  /** A face is shown differently now. */
  onChange: () => void;
}

export type FaceReport = Extract<FromLiveWorker, { kind: 'face' }>;

interface Face {
  readonly report: FaceReport;
  /** Of the last second in which there was something to move. */
  readonly isOriginal: boolean;
  readonly guard: FaceGuard | undefined;
}

/** Share of a second's pictures that stay as filmed beyond which the face counts as filmed. */
const MOSTLY = 0.5;

/** The faces of one channel: which may be moved, what the worker and the viewers get for it, and what became of them. */
export class ChannelFaces {
  readonly #o: ChannelFacesOptions;
  readonly #faces = new Map<string, Face>();
  /** Languages of which it was told that the worker cannot keep up. */
  readonly #overloaded = new Set<string>();

  constructor(options: ChannelFacesOptions) {
    this.#o = options;
  }

  /** Languages whose faces are switched on. */
  get languages(): string[] {
    return this.#o.settings().languages.flatMap(({ language, face }) => (face ? [language] : []));
  }

  /** What the worker is told; undefined: it needs no picture. */
  get order(): { readonly consent: boolean } | undefined {
    return this.languages.length === 0 ? undefined : { consent: this.#o.settings().faceConsent };
  }

  /** The picture that the worker gets. */
  get picture(): string | undefined {
    return this.order && this.#o.programme()?.tracks.get('live:video')?.id;
  }

  /** What the worker is to make of a language: faces only where they may be moved. */
  demandOf(language: string): LanguageDemand {
    const demand = this.#o.demand.of(language);
    return { ...demand, face: demand.face && this.#mayMove(language) };
  }

  /** Somebody wants something else of a language, or the operator does something else to it. */
  demandChanged(language: string): void {
    const { channelId, link } = this.#o;
    link()?.send({ kind: 'demand', channelId, language, demand: this.demandOf(language) });
    this.#wish(language);
  }

  /** Switches or consent changed: acts at once, whatever is being shown. */
  async settingsChanged(before: ChannelSettings): Promise<void> {
    const settings = this.#o.settings();
    const switchedOn = ({ languages }: ChannelSettings) =>
      languages.flatMap(({ language, face }) => (face ? [language] : [])).join();
    if (settings.faceConsent === before.faceConsent && switchedOn(settings) === switchedOn(before)) return;
    const { channelId, link, programme } = this.#o;
    if (this.order) link()?.send({ kind: 'faces', channelId, consent: this.order.consent });
    for (const { language } of settings.languages) this.demandChanged(language);
    link()?.pictureChanged();
    await programme()?.openFaces(this.languages);
  }

  /** A programme has begun. */
  async begin(programme: Programme): Promise<void> {
    for (const { language } of this.#o.settings().languages) this.#wish(language);
    await programme.openFaces(this.languages);
  }

  receive(report: FaceReport): void {
    const { language, state } = report;
    const known = this.#faces.get(language);
    const face = faceOf(report, known);
    this.#faces.set(language, face);
    this.#tellOverload(language, state);
    this.#wish(language);
    const isSame =
      known?.report.state === state && known.isOriginal === face.isOriginal && known.guard === face.guard;
    if (!isSame) this.#o.onChange();
  }

  /** The programme has ended, or its worker is gone. */
  clear(): void {
    this.#faces.clear();
    this.#overloaded.clear();
  }

  /** @param isDubbed whether a worker dubs the channel now */
  view(language: string, isDubbed: boolean): FaceView {
    if (!this.languages.includes(language)) return { state: 'off' };
    if (!this.#o.settings().faceConsent) return { state: 'no-consent' };
    if (!this.#o.programme()?.hasVideo) return { state: 'no-picture' };
    if (!this.#o.demand.of(language).face || !this.#isHeard(language)) return { state: 'idle' };
    const face = isDubbed ? this.#faces.get(language) : undefined;
    if (!face || face.report.state === 'off') return { state: 'starting' };
    const { state, strength } = face.report;
    if (state !== 'active') return { state };
    return {
      state: face.isOriginal ? 'original' : 'active',
      ...(face.guard === undefined ? {} : { guard: face.guard }),
      strength,
    };
  }

  #mayMove(language: string): boolean {
    return this.#o.settings().faceConsent && this.languages.includes(language) && this.#isHeard(language);
  }

  /** Lips do not follow a voice that is silenced: the original is heard in its place. */
  #isHeard(language: string): boolean {
    const control = this.#o.control(language);
    return control !== 'mute' && control !== 'stop';
  }

  /** What viewers get: the worker's picture only while it may be made and comes in time. */
  #wish(language: string): void {
    this.#o.programme()?.wishFace(language, {
      isWatched: this.#o.demand.of(language).face,
      isUsable: this.#mayMove(language) && this.#faces.get(language)?.report.state !== 'overloaded',
    });
  }

  #tellOverload(language: string, state: FaceReport['state']): void {
    if (state === 'overloaded' && !this.#overloaded.has(language)) {
      this.#overloaded.add(language);
      this.#o.onNotice({
        level: 'warning',
        code: 'face-overloaded',
        language,
        message: 'The server cannot keep up with moving lips; faces are shown as filmed.',
      });
    } else if (state === 'active' && this.#overloaded.delete(language)) {
      this.#o.onNotice({
        level: 'info',
        code: 'face-back',
        language,
        message: 'Lips follow the dub again.',
      });
    }
  }
}

/** In a second without speech nothing can be seen: what was so before still is. */
function faceOf(report: FaceReport, before: Face | undefined): Face {
  const { fps, guards, strength } = report;
  const counts = FACE_GUARDS.map((guard) => [guard, guards[guard] ?? 0] as const);
  const [guard, most] = counts.reduce((a, b) => (b[1] > a[1] ? b : a));
  const guarded = counts.reduce((sum, [, count]) => sum + count, 0);
  if (guarded === 0 && strength === 0)
    return { report, isOriginal: before?.isOriginal ?? false, guard: before?.guard };
  return { report, isOriginal: guarded > fps * MOSTLY, guard: most > 0 ? guard : undefined };
}
