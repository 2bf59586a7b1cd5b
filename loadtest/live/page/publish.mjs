import { WhipClient } from '../../../client/src/publish/whip-client.ts';
import { HEIGHT, paint, WIDTH } from './stamp.mjs';
import { wallMs } from './wall.mjs';

const FRAME_MS = 40;
const FLASH_MS = 100;
/** Not a multiple of anything that repeats in the path. */
const FLASH_EVERY_MS = 1730;
const BEEP_HZ = 1000;
const BEEP_GAIN = 0.4;

let client;

/**
 * Publishes with the product's own WHIP client.
 * @param {{ endpoint: string, token: string, sound: 'microphone' | 'beeps', picture: boolean }} options
 */
export async function publish({ endpoint, token, sound, picture }) {
  const stream = new MediaStream();
  const beep = sound === 'beeps' ? await beeper(stream) : undefined;
  if (!beep) {
    // What a microphone is processed with would change recorded speech.
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    for (const track of (await navigator.mediaDevices.getUserMedia({ audio })).getTracks())
      stream.addTrack(track);
  }
  if (picture) stream.addTrack(stampedPicture(beep));
  client = new WhipClient({ endpoint: new URL(endpoint), token, stream });
  await client.start();
  if (client.state !== 'live') throw new Error(`not live but ${client.state}`);
}

export async function unpublish() {
  await client?.stop();
}

/** A track of silence with beeps. @returns starts a beep now */
async function beeper(stream) {
  const audio = new AudioContext({ latencyHint: 'interactive', sampleRate: 48_000 });
  await audio.resume();
  const tone = new OscillatorNode(audio, { frequency: BEEP_HZ });
  const gain = new GainNode(audio, { gain: 0 });
  const out = new MediaStreamAudioDestinationNode(audio, { channelCount: 1 });
  tone.connect(gain).connect(out);
  tone.start();
  for (const track of out.stream.getTracks()) stream.addTrack(track);
  return () => {
    gain.gain.setValueAtTime(BEEP_GAIN, audio.currentTime);
    gain.gain.setValueAtTime(0, audio.currentTime + FLASH_MS / 1000);
  };
}

/** Pictures that say when they were drawn; with `beep`, a flash and a beep begin together now and then. */
function stampedPicture(beep) {
  const canvas = Object.assign(document.createElement('canvas'), { width: WIDTH, height: HEIGHT });
  document.body.append(canvas);
  const context = canvas.getContext('2d', { alpha: false });
  context.fillRect(0, 0, WIDTH, HEIGHT);
  // Every picture is taken when it is drawn, not at the canvas's own pace.
  const [track] = canvas.captureStream(0).getVideoTracks();
  let flashedMs = performance.now() + FLASH_EVERY_MS;
  setInterval(() => {
    const nowMs = performance.now();
    if (beep && nowMs - flashedMs >= FLASH_EVERY_MS) {
      flashedMs = nowMs;
      beep();
    }
    const flash = nowMs >= flashedMs && nowMs - flashedMs < FLASH_MS;
    paint(context, wallMs(nowMs), flash);
    track.requestFrame();
  }, FRAME_MS);
  return track;
}
