import { LiveProblem } from '../sdk/problem.ts';

export type SourceKind = 'camera' | 'microphone' | 'screen' | 'file';
export type Quality = 'low' | 'medium' | 'high' | 'full';

/** Picture height, rate and bits of each quality. */
export const QUALITIES: Readonly<
  Record<Quality, { label: string; height: number; fps: number; bitrateBps: number }>
> = {
  low: { label: '360p, 0.7 Mbit/s', height: 360, fps: 25, bitrateBps: 700_000 },
  medium: { label: '540p, 1.4 Mbit/s', height: 540, fps: 25, bitrateBps: 1_400_000 },
  high: { label: '720p, 2.5 Mbit/s', height: 720, fps: 30, bitrateBps: 2_500_000 },
  full: { label: '1080p, 4.5 Mbit/s', height: 1080, fps: 30, bitrateBps: 4_500_000 },
};

export interface SourceOptions {
  readonly kind: SourceKind;
  readonly quality: Quality;
  readonly cameraId?: string | undefined;
  readonly microphoneId?: string | undefined;
  /** With the screen: the microphone too. Default true. */
  readonly withMicrophone?: boolean;
  /** Echo cancellation and noise suppression; they harm clean speech. Default false. */
  readonly processing?: boolean;
  /** Of kind `file`. */
  readonly file?: File | undefined;
  readonly loop?: boolean;
}

/** Picture and sound to publish. */
export interface Source {
  readonly stream: MediaStream;
  /** The playing file, of kind `file`. */
  readonly element?: HTMLVideoElement;
  close(): void;
}

/**
 * Opens camera, microphone, screen or a file.
 * @throws LiveProblem in words for people
 */
export async function openSource(options: SourceOptions): Promise<Source> {
  if (options.kind === 'file') return openFile(options);
  if (!navigator.mediaDevices) throw insecure();
  try {
    if (options.kind === 'screen') return await openScreen(options);
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: microphone(options),
      ...(options.kind === 'camera' ? { video: camera(options) } : {}),
    });
    return ofStreams(stream, [stream]);
  } catch (error) {
    throw deviceProblem(error, options.kind);
  }
}

/** Opens a microphone alone, as a second track of clean speech. */
export async function openSpeech(microphoneId: string): Promise<MediaStream> {
  if (!navigator.mediaDevices) throw insecure();
  try {
    const options = { kind: 'microphone', quality: 'low', microphoneId } as const;
    const stream = await navigator.mediaDevices.getUserMedia({ audio: microphone(options) });
    hint(stream);
    return stream;
  } catch (error) {
    throw deviceProblem(error, 'microphone');
  }
}

export function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

function microphone({ microphoneId, processing = false }: SourceOptions): MediaTrackConstraints {
  return {
    ...(microphoneId ? { deviceId: { exact: microphoneId } } : {}),
    echoCancellation: processing,
    noiseSuppression: processing,
    autoGainControl: processing,
    channelCount: { ideal: 1 },
    sampleRate: { ideal: 48_000 },
  };
}

function camera({ cameraId, quality }: SourceOptions): MediaTrackConstraints {
  const { height, fps } = QUALITIES[quality];
  return {
    ...(cameraId ? { deviceId: { exact: cameraId } } : {}),
    height: { ideal: height },
    width: { ideal: Math.round((height * 16) / 9) },
    frameRate: { ideal: fps, max: fps },
  };
}

async function openScreen(options: SourceOptions): Promise<Source> {
  const { height, fps } = QUALITIES[options.quality];
  const screen = await navigator.mediaDevices.getDisplayMedia({
    video: { height: { max: Math.max(720, height) }, frameRate: { max: fps } },
    audio: true,
  });
  const opened = [screen];
  try {
    if (options.withMicrophone !== false) {
      opened.push(await navigator.mediaDevices.getUserMedia({ audio: microphone(options) }));
    }
  } catch (error) {
    stopTracks(screen);
    throw error;
  }
  const sounds = opened.filter((stream) => stream.getAudioTracks().length > 0);
  const stream = new MediaStream(screen.getVideoTracks());
  if (sounds.length < 2) {
    for (const track of sounds[0]?.getAudioTracks() ?? []) stream.addTrack(track);
    return ofStreams(stream, opened);
  }
  const context = new AudioContext({ sampleRate: 48_000 });
  const mixed = context.createMediaStreamDestination();
  for (const sound of sounds) context.createMediaStreamSource(sound).connect(mixed);
  for (const track of mixed.stream.getAudioTracks()) stream.addTrack(track);
  return ofStreams(stream, [...opened, mixed.stream], () => void context.close().catch(() => {}));
}

type CapturingVideo = HTMLVideoElement & {
  captureStream?: () => MediaStream;
  mozCaptureStream?: () => MediaStream;
};

async function openFile({ file, loop }: SourceOptions): Promise<Source> {
  if (!file) throw new LiveProblem({ code: 'LIVEDUB_E_CLIENT', message: 'Choose a file first.', remedy: '' });
  const url = URL.createObjectURL(file);
  const element: CapturingVideo = document.createElement('video');
  element.playsInline = true;
  element.loop = loop ?? false;
  element.src = url;
  const context = new AudioContext({ sampleRate: 48_000 });
  // The sound goes into the programme only, not to the speakers of whoever publishes.
  const sound = context.createMediaStreamDestination();
  context.createMediaElementSource(element).connect(sound);
  const close = () => {
    element.pause();
    element.removeAttribute('src');
    URL.revokeObjectURL(url);
    void context.close().catch(() => {});
  };
  try {
    await new Promise<void>((resolve, reject) => {
      element.onloadeddata = () => resolve();
      element.onerror = () => reject(new Error('unplayable'));
    });
    await context.resume();
    await element.play();
  } catch {
    close();
    throw new LiveProblem({
      code: 'LIVEDUB_E_CLIENT',
      message: 'The browser cannot play this file.',
      remedy: 'Use WebM, MP4, Ogg, MP3 or WAV, or replay it with livedub replay.',
    });
  }
  const picture = element.captureStream?.() ?? element.mozCaptureStream?.();
  const stream = new MediaStream([
    ...(element.videoWidth > 0 ? (picture?.getVideoTracks() ?? []) : []),
    ...sound.stream.getAudioTracks(),
  ]);
  return { ...ofStreams(stream, [stream], close), element };
}

function ofStreams(stream: MediaStream, opened: readonly MediaStream[], alsoClose?: () => void): Source {
  hint(stream);
  return {
    stream,
    close: () => {
      for (const one of [stream, ...opened]) stopTracks(one);
      alsoClose?.();
    },
  };
}

/** Tells the encoders what they get. */
function hint(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.contentHint = track.kind === 'audio' ? 'speech' : 'motion';
}

function insecure(): LiveProblem {
  return new LiveProblem({
    code: 'LIVEDUB_E_INSECURE',
    message: 'The browser gives out camera and microphone only on https or on localhost.',
    remedy: 'Open this page by https or as http://localhost, send a file, or publish from OBS.',
  });
}

const DEVICE_PROBLEMS: Readonly<Record<string, readonly [message: string, remedy: string]>> = {
  NotAllowedError: [
    'The browser was not allowed to use the device.',
    'Allow camera and microphone for this page (at the left of the address), then try again.',
  ],
  NotFoundError: ['No such device was found.', 'Connect a camera or microphone, or choose another source.'],
  NotReadableError: [
    'The device is in use by another program.',
    'Close the other program, or choose another device.',
  ],
  OverconstrainedError: [
    'The chosen device is gone or cannot do this.',
    'Choose another device or a lower quality.',
  ],
};

function deviceProblem(error: unknown, kind: SourceKind): LiveProblem {
  const name = error instanceof Error ? error.name : '';
  const [message, remedy] = DEVICE_PROBLEMS[name] ?? [`The ${kind} could not be opened.`, 'Try again.'];
  return new LiveProblem({ code: 'LIVEDUB_E_DEVICE', message, remedy });
}
