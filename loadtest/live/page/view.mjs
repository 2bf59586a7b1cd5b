import { LiveChannel } from '../../../client/src/sdk/live-channel.ts';
import { firstPacketMs, isPlayed, mark } from './packet-watch.mjs';
import { PictureWatch } from './picture-watch.mjs';
import { record } from './record.mjs';
import { SoundWatch } from './sound-watch.mjs';
import { wallMs } from './wall.mjs';

/** Viewers by name, each with the product's own SDK. */
const viewers = new Map();

const until = async (what, ms = 15_000, everyMs = 20) => {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const value = what();
    if (value !== undefined && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error(`not within ${ms} ms: ${what}`);
};

/** 10.7 ms. */
const VOICE_BLOCK_SAMPLES = 512;
/** What has not come by then counts as coming then. */
const LOST_MS = 5000;

/** Opens a viewer and waits until what it chose has been switched on. */
export async function view(name, channelId, selection) {
  const live = new LiveChannel({ channelId, selection });
  const viewer = { live, sounds: new Map(), picture: undefined, utterances: [], buffers: [] };
  viewers.set(name, viewer);
  live.on('text', (event) => {
    if (event.kind === 'utterance') viewer.utterances.push({ event, atMs: wallMs() });
  });
  live.on('stats', ({ tracks }) => {
    for (const { track, bufferMs } of tracks) viewer.buffers.push({ track, bufferMs });
  });
  await until(() => live.state === 'connected');
}

/** Keeps the level of a track from now on. */
export async function listen(name, key, blockSamples) {
  const { live, sounds } = viewers.get(name);
  const track = await until(() => live.tracks.get(key));
  sounds.set(key, await SoundWatch.open(track, blockSamples));
}

/** Records a track from now on; `endRecording` of the same name ends it. */
export async function recordTrack(name, key) {
  const { live } = viewers.get(name);
  record(name, await until(() => live.tracks.get(key)));
}

export function levels(name, key) {
  return viewers.get(name).sounds.get(key).levels();
}

/** Reads the pictures of a track from now on, and only those. */
export async function look(name, key) {
  const viewer = viewers.get(name);
  viewer.picture?.close();
  viewer.picture = new PictureWatch(await until(() => viewer.live.tracks.get(key)));
}

export function pictures(name) {
  return viewers.get(name).picture.figures();
}

/** Mean time in the browser's jitter buffer of each track in each second, ms. */
export function buffers(name) {
  return viewers.get(name).buffers;
}

/** Forgets what was seen and heard so far. */
export function restart(name) {
  const { picture, sounds } = viewers.get(name);
  picture?.restart();
  for (const sound of sounds.values()) sound.restart();
}

export function leave(name) {
  const { live, sounds, picture } = viewers.get(name);
  viewers.delete(name);
  picture?.close();
  for (const sound of sounds.values()) sound.close();
  live.close();
}

/**
 * Switches to and fro between languages; the page must watch packets, and listen to the voice of each: it begins to
 * where it does not yet.
 * @returns ms from each request to the server's answer, to the first packet, to the first sound that is played, and to the
 * first that is loud, if the voice speaks soon
 */
export async function switches(name, languages, count, settleMs) {
  const { live, sounds } = viewers.get(name);
  const keyOf = (language) => `voice:${language}:interpret`;
  for (const language of languages)
    if (!sounds.has(keyOf(language))) await listen(name, keyOf(language), VOICE_BLOCK_SAMPLES);
  const measured = [];
  for (let i = 0; i < count; i += 1) {
    const language = languages[i % languages.length];
    const track = live.tracks.get(keyOf(language));
    mark();
    const startMs = Date.now();
    let answeredMs;
    const answered = live.select({ language }).then(() => {
      answeredMs = Date.now();
    });
    let playedMs;
    const done = () => {
      if (playedMs === undefined && isPlayed(track)) playedMs = Date.now();
      return answeredMs !== undefined && playedMs !== undefined && firstPacketMs(track) !== undefined;
    };
    await until(done, LOST_MS, 4).catch(() => {});
    await answered;
    // Switches fall anywhere between two packets and two utterances.
    await new Promise((resolve) => setTimeout(resolve, settleMs * (0.75 + Math.random() / 2)));
    const loudMs = sounds.get(keyOf(language)).firstLoudMs(startMs, -50);
    measured.push({
      language,
      ...(loudMs === undefined ? {} : { heardMs: loudMs - startMs }),
      answerMs: answeredMs - startMs,
      packetMs: (firstPacketMs(track) ?? startMs + LOST_MS) - startMs,
      playedMs: (playedMs ?? startMs + LOST_MS) - startMs,
    });
  }
  return measured;
}

/**
 * Joins, waits for the next utterance that starts after the viewer was connected, and for its sound.
 * @param {number} originMs wall time of the programme's media time 0
 */
export async function join(name, channelId, language, originMs) {
  const startMs = wallMs();
  await view(name, channelId, { language, mode: 'interpret', video: false });
  const connectedMs = wallMs();
  const key = `voice:${language}:interpret`;
  await listen(name, key, VOICE_BLOCK_SAMPLES);
  const { utterances, sounds } = viewers.get(name);
  const isNext = ({ event }) => event.outcome === 'spoken' && originMs + event.startUs / 1000 >= startMs;
  try {
    const { event } = await until(() => utterances.find(isNext), 30_000);
    const utteranceMs = originMs + event.startUs / 1000;
    const heardMs = await until(() => sounds.get(key).firstLoudMs(startMs, -45), 10_000);
    return {
      connectMs: connectedMs - startMs,
      untilSoundMs: heardMs - startMs,
      // Somebody who comes while an utterance runs hears that one, before the next.
      afterUtteranceMs: Math.max(0, heardMs - utteranceMs),
    };
  } finally {
    leave(name);
  }
}
