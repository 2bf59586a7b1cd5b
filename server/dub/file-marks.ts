import { basename } from 'node:path';
import type { Mode, OutputKind } from '../../pipeline/demand.ts';
import type { OutputMark } from '../../pipeline/dub-channel.ts';
import type { MediaInfo } from '../../pipeline/media/probe.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import type { Marker } from '../marks/marker.ts';

export interface FileMarksOptions {
  marker: Marker;
  media: Pick<MediaInfo, 'path' | 'isUrl'>;
  languages: readonly LanguageCode[];
  mode: Mode;
  kind: OutputKind;
  /** Names this dub among those of the file. Default: when it began. */
  job?: string | undefined;
}

/**
 * Issues a mark for every dubbed track of a file, in the order of the languages. The file is its channel, and private.
 * @throws LivedubError as `Marker.issue`
 */
export async function issueFileMarks(options: FileMarksOptions): Promise<OutputMark[]> {
  const { marker, media, languages, mode, kind } = options;
  const startedAt = new Date().toISOString();
  const title = fileTitle(media);
  const marks: OutputMark[] = [];
  for (const language of languages) {
    const mark = await marker.issue({
      channel: { id: title, title, isPublic: false },
      source: 'file',
      programme: options.job ?? startedAt.replace(/[-:.]/g, '').toLowerCase(),
      language,
      mode,
      kind,
      startedAt,
    });
    marks.push(mark);
  }
  return marks;
}

/** A file's name; of an address without what may be secret in it. */
function fileTitle({ path, isUrl }: Pick<MediaInfo, 'path' | 'isUrl'>): string {
  return basename(isUrl ? new URL(path).pathname : path) || 'file';
}
