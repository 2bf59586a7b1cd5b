import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { AudioMarkEmbedder } from '../../pipeline/mark/audio/embedder.ts';
import { AudioMarkLayout } from '../../pipeline/mark/audio/layout.ts';
import type { MarkKey } from '../../pipeline/mark/mark-key.ts';
import { VideoMarkEmbedder } from '../../pipeline/mark/video/video-embedder.ts';
import type { MediaFixtures } from '../../pipeline/media/media-fixtures.ts';

const RATE_HZ = 48_000;
const FORMANTS: readonly (readonly [number, number, number])[] = [
  [730, 1090, 2440],
  [270, 2290, 3010],
  [300, 870, 2240],
  [530, 1840, 2480],
  [570, 840, 2410],
];

/** For tests: a voice that says nothing, syllables of gliding pitch and changing vowels with pauses. The same for one seed. */
export function babble(seconds: number, seed: number): Float32Array {
  let state = seed * 2_654_435_761 + 1;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const sound = new Float32Array(Math.round(seconds * RATE_HZ));
  for (let at = 0; at < sound.length; ) {
    const length = Math.round((0.12 + 0.18 * random()) * RATE_HZ);
    const vowel = FORMANTS[Math.floor(random() * FORMANTS.length)]!;
    const pitch = 110 + 60 * random();
    const glide = 30 * (random() - 0.5);
    const harmonics = Array.from({ length: 50 }, (_, h) => {
      const hz = pitch * (h + 1);
      const resonance = vowel.reduce((sum, f) => sum + 1 / (1 + ((hz - f) / (60 + f * 0.06)) ** 2), 0);
      return (0.02 + resonance) / (1 + hz / 1500);
    });
    let phase = 0;
    for (let i = 0; i < length && at + i < sound.length; i += 1) {
      phase += (2 * Math.PI * (pitch + (glide * i) / length)) / RATE_HZ;
      const envelope = Math.sin((Math.PI * i) / length);
      let x = 0.03 * (random() - 0.5);
      for (let h = 0; h < harmonics.length; h += 1) x += harmonics[h]! * Math.sin((h + 1) * phase);
      sound[at + i] = 0.12 * envelope * x;
    }
    at += length + (random() < 0.2 ? Math.round(0.25 * RATE_HZ) : 0);
  }
  return sound;
}

/** For tests: sound with a mark, as from a minute of its rendition on. */
export async function marked(
  sound: Float32Array,
  options: { key: MarkKey; rendition: number; minute?: number },
): Promise<Float32Array> {
  const { key, rendition, minute = 0 } = options;
  const layout = await AudioMarkLayout.create(key);
  const embedder = await AudioMarkEmbedder.create({ layout, keyId: key.keyId, rendition, channels: 1 });
  embedder.restart(minute * 60 * RATE_HZ);
  const [early] = embedder.process([sound]);
  const [late] = embedder.flush();
  const whole = new Float32Array(sound.length + late!.length);
  whole.set(early!);
  whole.set(late!, early!.length);
  return whole.subarray(AudioMarkEmbedder.latencySamples);
}

/** For tests: sound as raw 48 kHz mono for FFmpeg's `-f f32le -ar 48000 -ac 1 -i`. Returns these arguments. */
export function rawInput(files: MediaFixtures, name: string, sound: Float32Array): string[] {
  const path = files.path(name);
  writeFileSync(path, new Uint8Array(sound.buffer, sound.byteOffset, sound.byteLength));
  return ['-f', 'f32le', '-ar', String(RATE_HZ), '-ac', '1', '-i', path];
}

const PICTURE = { width: 640, height: 360, rate: 25 } as const;

/** For tests: a marked moving picture, raw. Returns FFmpeg's arguments that name it as an input. */
export async function markedPicture(
  files: MediaFixtures,
  name: string,
  options: { key: MarkKey; rendition: number; minute: number; seconds: number },
): Promise<string[]> {
  const { width, height, rate } = PICTURE;
  const { key, rendition, minute, seconds } = options;
  const source = `mandelbrot=size=${width}x${height}:rate=${rate},noise=alls=6:allf=t:all_seed=1,format=yuv420p`;
  const args = ['-v', 'error', '-f', 'lavfi', '-i', source, '-t', String(seconds), '-f', 'rawvideo', '-'];
  const video = execFileSync('ffmpeg', args, { maxBuffer: 2 ** 28 });
  const embedder = await VideoMarkEmbedder.create({ key, rendition });
  const frameBytes = (width * height * 3) / 2;
  for (let at = 0, frame = 0; at < video.length; at += frameBytes, frame += 1) {
    const data = video.subarray(at, at + width * height);
    embedder.mark({ width, height, strideBytes: width, data }, minute * 60e6 + (frame * 1e6) / rate);
  }
  writeFileSync(files.path(name), video);
  const size = `${width}x${height}`;
  return ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', size, '-r', String(rate), '-i', files.path(name)];
}
