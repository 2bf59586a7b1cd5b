import type { OutputMark } from '../../pipeline/dub-channel.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import type { Marker, MarkOrder } from '../marks/marker.ts';
import type { TrackKey } from './contract.ts';
import type { OrderMarks } from './worker-messages.ts';

export interface ProgrammeMarksOptions {
  marker: Marker;
  /** Where workers read the keys. */
  dataDir: string;
  /** What the channel is called, and whether anyone may know, when a mark is issued. */
  record: () => {
    readonly id: string;
    readonly settings: { readonly title: string; readonly isPublic: boolean };
  };
  /** `startedAt`: wall time of media time 0, RFC 3339. */
  programme: { readonly id: string; readonly startedAt: string };
}

const MODES = ['interpret', 'synced'] as const;
const KINDS = ['voice', 'mix'] as const;
/** Every track that is made of one language. Its picture has a mark from the start: faces may be switched on at any time. */
const OUTPUTS = [
  ...MODES.flatMap((mode) => KINDS.map((kind) => ({ mode, kind }))),
  { mode: 'synced', kind: 'face' },
] as const;

/** The marks of one programme: one a dubbed track, the same for every worker that dubs it. */
export class ProgrammeMarks {
  readonly #o: ProgrammeMarksOptions;
  readonly #issued = new Map<TrackKey, Promise<OutputMark>>();
  #ended = false;

  constructor(options: ProgrammeMarksOptions) {
    this.#o = options;
  }

  /**
   * The marks of all tracks of these languages; those that have none yet get one.
   * @throws LivedubError as `Marker.issue`: then nothing may be dubbed; LIVEDUB_E_CLOSED
   */
  async of(languages: readonly string[]): Promise<OrderMarks> {
    const renditions: Record<TrackKey, number> = {};
    for (const language of languages)
      for (const { mode, kind } of OUTPUTS) {
        const key = `${kind}:${language}:${mode}`;
        renditions[key] = (await this.#of(key, { language, mode, kind })).rendition;
      }
    const { marker, dataDir } = this.#o;
    return { dataDir, keyId: marker.key.keyId, strength: marker.strength, renditions };
  }

  /** The programme is over. @param endUs its last media time */
  async end(endUs: number): Promise<void> {
    this.#ended = true;
    const settled = await Promise.allSettled(this.#issued.values());
    const renditions = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.rendition] : []));
    await this.#o.marker.end(renditions, endUs);
  }

  async #of(key: TrackKey, output: Pick<MarkOrder, 'language' | 'mode' | 'kind'>): Promise<OutputMark> {
    const known = this.#issued.get(key);
    if (known) return known;
    if (this.#ended) throw new LivedubError('LIVEDUB_E_CLOSED', 'The programme has ended.');
    const { marker, programme, record } = this.#o;
    const { id, settings } = record();
    const issuing = marker.issue({
      channel: { id, title: settings.title, isPublic: settings.isPublic },
      source: 'live',
      programme: programme.id,
      ...output,
      startedAt: programme.startedAt,
    });
    this.#issued.set(key, issuing);
    // The disk may have room the next time.
    issuing.catch(() => this.#issued.delete(key));
    return issuing;
  }
}
