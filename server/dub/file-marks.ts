import { basename } from 'node:path';
import type { Mode, OutputKind } from '../../pipeline/demand.ts';
import type { OutputMark } from '../../pipeline/dub-channel.ts';
import type { MediaInfo } from '../../pipeline/media/probe.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import type { Marker, MarkOrder } from '../marks/marker.ts';

export interface FileMarksOptions {
  marker: Marker;
  media: Pick<MediaInfo, 'path' | 'isUrl'>;
  languages: readonly LanguageCode[];
  mode: Mode;
  kind: OutputKind;
  /** Names this dub among those of the file. Default: when it began. */
  job?: string | undefined;
}

/** ISO 639-2 for several languages: what a picture speaks that belongs to several dubs. */
const SEVERAL_LANGUAGES = 'mul';

/** Issues the marks of one dub of a file. The file is its channel, and private. */
export class FileMarks {
  readonly #marker: Marker;
  readonly #languages: readonly LanguageCode[];
  readonly #order: Omit<MarkOrder, 'language'>;

  constructor(options: FileMarksOptions) {
    const { marker, media, languages, mode, kind } = options;
    const startedAt = new Date().toISOString();
    const title = fileTitle(media);
    this.#marker = marker;
    this.#languages = languages;
    this.#order = {
      channel: { id: title, title, isPublic: false },
      source: 'file',
      programme: options.job ?? startedAt.replace(/[-:.]/g, '').toLowerCase(),
      mode,
      kind,
      startedAt,
    };
  }

  /**
   * One for every dubbed track, in the order of the languages.
   * @throws LivedubError as `Marker.issue`
   */
  issueTracks(): Promise<OutputMark[]> {
    return this.#issueEach(this.#order);
  }

  /**
   * The same for the pictures in which faces speak the tracks.
   * @throws LivedubError as `Marker.issue`
   */
  issueFaces(): Promise<OutputMark[]> {
    return this.#issueEach({ ...this.#order, kind: 'face' });
  }

  /**
   * One for the picture, which is the same for all tracks: of the same programme as they, and of its own number, so that a
   * picture with another sound can be told.
   * @throws LivedubError as `Marker.issue`
   */
  issuePicture(): Promise<OutputMark> {
    const language = this.#languages.length === 1 ? this.#languages[0]! : SEVERAL_LANGUAGES;
    return this.#marker.issue({ ...this.#order, language });
  }

  async #issueEach(order: Omit<MarkOrder, 'language'>): Promise<OutputMark[]> {
    const marks: OutputMark[] = [];
    for (const language of this.#languages) marks.push(await this.#marker.issue({ ...order, language }));
    return marks;
  }
}

/** A file's name; of an address without what may be secret in it. */
function fileTitle({ path, isUrl }: Pick<MediaInfo, 'path' | 'isUrl'>): string {
  return basename(isUrl ? new URL(path).pathname : path) || 'file';
}
