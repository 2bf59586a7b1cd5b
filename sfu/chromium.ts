import { existsSync } from 'node:fs';

const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The Chromium that tests and benches drive; LIVEDUB_CHROMIUM names another. Undefined where there is none. */
export function findChromium(): string | undefined {
  const named = process.env.LIVEDUB_CHROMIUM;
  return (named ? [named] : EXECUTABLES).find((path) => existsSync(path));
}

/** Starts it without a window, in a container too, and without anything that would reach the network by itself. */
export const CHROMIUM_FLAGS: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface MediaFlagsOptions {
  /** 48 kHz WAV that is the microphone. Default: beeps. */
  readonly microphone?: string;
  /** Whether it begins again at its end; else silence follows. Default true. */
  readonly loop?: boolean;
  /** Y4M or MJPEG file that is the camera, over and over, at its own rate. Default: a test picture. */
  readonly camera?: string;
  /** Pictures a second of the test picture. Default: Chromium's, 20. */
  readonly fps?: number;
}

/** With a made-up camera and microphone that need no permission, and sound that plays without a click. */
export function mediaFlags({
  microphone,
  loop = true,
  camera,
  fps,
}: MediaFlagsOptions = {}): readonly string[] {
  return [
    ...CHROMIUM_FLAGS,
    '--use-fake-ui-for-media-stream',
    `--use-fake-device-for-media-stream${fps === undefined ? '' : `=fps=${fps}`}`,
    ...(microphone === undefined
      ? []
      : [`--use-file-for-fake-audio-capture=${microphone}${loop ? '' : '%noloop'}`]),
    ...(camera === undefined ? [] : [`--use-file-for-fake-video-capture=${camera}`]),
    '--allow-loopback-in-peer-connection',
    '--autoplay-policy=no-user-gesture-required',
  ];
}
