import type { PictureColour } from '../face/picture.ts';
import type { RawPicture, RawPictureFormat } from './nut.ts';
import { NutReader } from './nut-reader.ts';
import {
  inputArgs,
  lastLine,
  type MediaInfo,
  sameClockArgs,
  unreadable,
  type VideoStreamInfo,
} from './probe.ts';
import { startTool, unlessStalled } from './tool-process.ts';

/** A damaged timestamp must not become years of picture. */
const MAX_SECONDS = 24 * 3600;
/** From so many rows on, pictures that do not say what their numbers mean are taken for high definition. */
const HD_ROWS = 720;

export interface DecodedPictures {
  readonly format: RawPictureFormat;
  /** At least one, each in bytes of its own, from media time 0 on. */
  readonly pictures: AsyncGenerator<RawPicture, void, undefined>;
}

/**
 * Decodes the picture of a file in a process that holds no more than its pipe: upright, with even width and height, in 8 bits of
 * limited range, each at its own time.
 * @param input with a picture
 * @throws LIVEDUB_E_INPUT_UNREADABLE when nothing can be decoded
 */
export async function decodePictures(input: MediaInfo, signal: AbortSignal): Promise<DecodedPictures> {
  const [widthPx, heightPx] = shownSize(input.video!);
  const decoder = startTool({
    tool: 'ffmpeg',
    args: [
      ...['-nostdin', '-hide_banner', '-loglevel', 'repeat+warning', '-fflags', '+genpts+discardcorrupt'],
      ...inputArgs(input),
      ...['-map', `0:${input.video!.index}`, '-map_metadata', '-1', '-t', String(MAX_SECONDS)],
      // What is before media time 0 is not shown. H.264 with 4:2:0 needs even sizes; a size that changes on the way does not.
      '-vf',
      `trim=start=0,pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=${widthPx}:${heightPx}:out_range=tv,format=yuv420p`,
      ...['-fps_mode', 'passthrough', '-enc_time_base', '-1', '-c:v', 'rawvideo', '-f', 'nut', 'pipe:1'],
      ...sameClockArgs(input, MAX_SECONDS),
    ],
    signal,
    output: true,
  });
  const reader = await NutReader.open(unlessStalled(decoder));
  const pictures = reader?.pictures();
  const first = await pictures?.next();
  if (reader === undefined || pictures === undefined || !first?.value)
    throw unreadable(input.path, lastLine((await decoder.exit).stderr, input.path));
  return { format: reader.format, pictures: from(first.value, pictures) };
}

/** What the numbers of a decoded picture mean as colours. */
export function decodedColour({ colour, heightPx }: VideoStreamInfo): PictureColour {
  const { matrix } = colour;
  const isHd = matrix === undefined || matrix === 'gbr' ? heightPx >= HD_ROWS : matrix.startsWith('bt709');
  return { matrix: isHd ? 'bt709' : 'bt601', range: 'limited' };
}

async function* from(first: RawPicture, rest: AsyncGenerator<RawPicture>): AsyncGenerator<RawPicture, void> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

/** FFmpeg turns pictures upright as it decodes them. */
function shownSize({ widthPx, heightPx, isTurned }: VideoStreamInfo): [number, number] {
  const even = (size: number) => 2 * Math.ceil(size / 2);
  return isTurned ? [even(heightPx), even(widthPx)] : [even(widthPx), even(heightPx)];
}
