import { LiveChannel } from '../../../client/src/sdk/live-channel.ts';
import { PacketWatch } from './packet-watch.mjs';
import { PictureWatch } from './picture-watch.mjs';
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

/** Opens a viewer and waits until what it chose has been switched on. */
export async function view(name, channelId, selection) {
  const live = new LiveChannel({ channelId, selection });
  const viewer = { live, sounds: new Map(), picture: undefined, utterances: [] };
  viewers.set(name, viewer);
  live.on('text', (event) => {
    if (event.kind === 'utterance') viewer.utterances.push({ event, atMs: wallMs() });
  });
  await until(() => live.state === 'connected');
}

export async function select(name, selection) {
  await viewers.get(name).live.select(selection);
}

/** Keeps the level of a track from now on. */
export async function listen(name, key, blockSamples) {
  const { live, sounds } = viewers.get(name);
  const track = await until(() => live.tracks.get(key));
  sounds.set(key, await SoundWatch.open(track, blockSamples));
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

export function leave(name) {
  const { live, sounds, picture } = viewers.get(name);
  viewers.delete(name);
  picture?.close();
  for (const sound of sounds.values()) sound.close();
  live.close();
}

/**
 * Switches to and fro between languages.
 * @returns ms from each request to the server's answer, to the first packet and to the first sound that is played
 */
export async function switches(name, languages, count, settleMs) {
  const { live } = viewers.get(name);
  const watch = new PacketWatch();
  const keyOf = (language) => `voice:${language}:interpret`;
  for (const language of languages)
    watch.add(keyOf(language), await until(() => live.tracks.get(keyOf(language))));
  const measured = [];
  for (let i = 0; i < count; i += 1) {
    const language = languages[i % languages.length];
    const key = keyOf(language);
    const playedBefore = watch.playedRtpTime(key);
    watch.mark();
    const startMs = Date.now();
    let answeredMs;
    const answered = live.select({ language }).then(() => {
      answeredMs = Date.now();
    });
    let playedMs;
    const done = () => {
      if (playedMs === undefined && watch.playedRtpTime(key) !== playedBefore) playedMs = Date.now();
      return answeredMs !== undefined && playedMs !== undefined && watch.firstPacketMs(key) !== undefined;
    };
    const inTime = await until(done, 5000, 4).then(
      () => true,
      () => false,
    );
    await answered;
    measured.push({
      language,
      answerMs: answeredMs - startMs,
      // What did not come within 5 s counts as 5 s.
      packetMs: inTime ? watch.firstPacketMs(key) - startMs : 5000,
      playedMs: inTime ? playedMs - startMs : 5000,
    });
    // Switches fall anywhere between two packets and two utterances.
    await new Promise((resolve) => setTimeout(resolve, settleMs * (0.75 + Math.random() / 2)));
  }
  watch.close();
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
  await listen(name, key, 256);
  const { utterances, sounds } = viewers.get(name);
  const isNext = ({ event }) => event.outcome === 'spoken' && originMs + event.startUs / 1000 >= startMs;
  try {
    const { event } = await until(() => utterances.find(isNext), 30_000);
    const utteranceMs = originMs + event.startUs / 1000;
    const heardMs = await until(() => sounds.get(key).firstLoudMs(utteranceMs, -45), 10_000);
    return {
      connectMs: connectedMs - startMs,
      untilSoundMs: heardMs - startMs,
      afterUtteranceMs: heardMs - utteranceMs,
    };
  } finally {
    leave(name);
  }
}
