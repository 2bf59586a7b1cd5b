import { describe, expect, it } from 'vitest';
import { OpusEncoder } from './audio/opus.ts';
import { ManualClock, ManualTicker } from './clock.ts';
import { type LanguageDemand, NO_DEMAND } from './demand.ts';
import { DubChannel, type DubChannelOptions, type RenditionOutput } from './dub-channel.ts';
import type { AudioFrame, ClauseFrame, EncodedFrame } from './frames.ts';
import { IngestClock } from './ingest-clock.ts';
import type { Lag, PlacedUtterance } from './observer.ts';
import {
  FAKE_VOICE,
  fakeRecogniser,
  fakeSynthesiser,
  fakeTranslator,
  fakeVad,
  framesOf,
  memoryClauseLog,
  spokenScript,
  TEST_MARK,
} from './ports/fakes.ts';

const SCRIPT =
  'We are here now. ~ ~ This is what we came for. ~ ~ It goes on for long. ~ ~ Good things come. ~ ~ ~ ~ ~ ~ ~ ~'.split(
    ' ',
  );
const SYNCED: LanguageDemand = { ...NO_DEMAND, captions: true, synced: { voice: false, mix: true } };
const INTERPRET: LanguageDemand = { ...NO_DEMAND, captions: true, interpret: { voice: true, mix: false } };
const CAPTIONS: LanguageDemand = { ...NO_DEMAND, captions: true };

function packetsOf(words: readonly string[]): EncodedFrame[] {
  const encoder = new OpusEncoder();
  const frames = [...framesOf(spokenScript(words, 48_000), 48_000)];
  return [...frames.flatMap((frame) => encoder.encode(frame)), ...encoder.flush()];
}

/** A live channel whose time a test moves. */
function openLive(overrides: Partial<DubChannelOptions> = {}, engines: { hangs?: boolean } = {}) {
  const clock = new ManualClock();
  const ticker = new ManualTicker();
  const ingest = new IngestClock({ clock });
  const frames = new Map<string, AudioFrame[]>();
  const placed: PlacedUtterance[] = [];
  const clauses: ClauseFrame[] = [];
  const lags: Lag[] = [];
  const calls = { translate: 0, synthesise: 0 };
  const clauseLog = memoryClauseLog();
  const translator = fakeTranslator();
  const synthesiser = fakeSynthesiser();
  const output = (mode: 'interpret' | 'synced', kind: 'voice' | 'mix'): RenditionOutput => {
    const out: AudioFrame[] = [];
    frames.set(`${kind}:${mode}`, out);
    return { mode, kind, mark: TEST_MARK, onAudio: (frame) => void out.push(frame) };
  };
  const channel = new DubChannel({
    vad: fakeVad(),
    recogniser: fakeRecogniser(SCRIPT),
    language: 'en',
    renditions: [
      {
        language: 'es',
        translator: {
          ...translator,
          translate: (request) => {
            calls.translate += 1;
            return engines.hangs ? new Promise(() => undefined) : translator.translate(request);
          },
        },
        synthesiser: {
          ...synthesiser,
          synthesise: (request) => {
            calls.synthesise += 1;
            return synthesiser.synthesise(request);
          },
        },
        voice: FAKE_VOICE,
        outputs: [
          output('synced', 'mix'),
          output('synced', 'voice'),
          output('interpret', 'voice'),
          output('interpret', 'mix'),
        ],
      },
    ],
    pacing: { kind: 'live', ingest, ticker, syncedDelayMs: 4000 },
    clock,
    priority: 'live',
    clauseLog,
    observers: [
      { utterance: (u) => placed.push(u), clause: (c) => clauses.push(c), lag: (lag) => lags.push(lag) },
    ],
    signal: new AbortController().signal,
    ...overrides,
  });
  const settle = async () => {
    for (let i = 0; i < 6; i += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    channel,
    frames: (track: string) => frames.get(track)!,
    placed,
    clauses,
    lags,
    calls,
    clauseLog,
    clock,
    /** Lets 20 ms pass for each packet; undefined: none comes. */
    play: async (packets: readonly (EncodedFrame | undefined)[]) => {
      for (const packet of packets) {
        clock.advance(20);
        if (packet) {
          ingest.observe(packet.mediaTimeUs + packet.durationUs, clock.nowMs());
          channel.push(packet);
        }
        ticker.tick();
        await settle();
      }
    },
  };
}

const nothing = (count: number) => Array.from({ length: count }, () => undefined);

function expectSteady(frames: readonly AudioFrame[]): void {
  for (let i = 1; i < frames.length; i += 1)
    expect(frames[i]!.mediaTimeUs - frames[i - 1]!.mediaTimeUs).toBe(20_000);
}

describe('a live DubChannel', () => {
  const packets = packetsOf(SCRIPT);

  it('makes nothing while nobody wants anything', async () => {
    const live = openLive();
    await live.play(packets);
    expect(live.clauses.length).toBeGreaterThan(2);
    expect(live.calls).toEqual({ translate: 0, synthesise: 0 });
    for (const track of ['mix:synced', 'voice:synced', 'voice:interpret', 'mix:interpret'])
      expect(live.frames(track)).toEqual([]);
    await live.channel.close();
  });

  it('translates and does not speak for captions', async () => {
    const live = openLive();
    live.channel.setDemand('es', CAPTIONS);
    await live.play(packets);
    expect(live.calls.translate).toBe(live.clauses.length);
    expect(live.calls.synthesise).toBe(0);
    await live.channel.close();
  });

  it('puts synced speech on its clause, 4 s behind, in steady frames of the wanted track only', async () => {
    const live = openLive();
    live.channel.setDemand('es', SYNCED);
    await live.play(packets);
    const frames = live.frames('mix:synced');
    expectSteady(frames);
    expect(frames.length).toBeGreaterThan(packets.length - 20);
    expect(live.frames('voice:synced')).toEqual([]);
    const spoken = live.placed.filter((u) => u.outcome === 'spoken');
    expect(spoken.length).toBeGreaterThan(1);
    for (const u of spoken) expect(u.mode).toBe('synced');
    expect(spoken[0]!.latenessMs).toBe(0);
    await live.channel.close();
  });

  it('interprets as soon as it can, and tells the lag', async () => {
    const live = openLive();
    live.channel.setDemand('es', INTERPRET);
    await live.play(packets);
    const spoken = live.placed.filter((u) => u.outcome === 'spoken');
    expect(spoken.length).toBe(live.clauses.length);
    expect(live.lags.length).toBe(spoken.length);
    expect(live.lags[0]!.lagMs).toBeLessThan(1000);
    const first = spoken[0]!;
    const sounding = live
      .frames('voice:interpret')
      .filter((frame) => frame.planes[0]!.some((x) => Math.abs(x) > 0.01));
    expect(Math.abs(sounding[0]!.mediaTimeUs - first.startUs)).toBeLessThan(40_000);
    await live.channel.close();
  });

  it('goes on in steady frames while an engine hangs', async () => {
    const live = openLive({}, { hangs: true });
    live.channel.setDemand('es', { ...SYNCED, interpret: { voice: true, mix: true } });
    await live.play(packets);
    for (const track of ['mix:synced', 'voice:interpret', 'mix:interpret']) {
      expectSteady(live.frames(track));
      expect(live.frames(track).length).toBeGreaterThan(packets.length - 20);
    }
    await live.channel.close();
  });

  it('keeps the original in the mix although the VAD hangs', async () => {
    const vad = {
      ...fakeVad(),
      open: () => ({ process: () => new Promise<never>(() => undefined), close: () => undefined }),
    };
    const live = openLive({ vad });
    live.channel.setDemand('es', { ...NO_DEMAND, interpret: { voice: false, mix: true } });
    await live.play(packets);
    const last = live
      .frames('mix:interpret')
      .filter((frame) => frame.planes[0]!.some((x) => Math.abs(x) > 0.05))
      .at(-1)!;
    // Speech ends with the last word that is no pause.
    expect(last.mediaTimeUs / 1000).toBeGreaterThan((SCRIPT.length - 9) * 400);
    await live.channel.close();
  });

  it('mixes the voice with the programme where clean speech of its own is dubbed', async () => {
    const hz = 2000;
    const tone = Float32Array.from(
      { length: SCRIPT.length * 0.4 * 48_000 },
      (_, i) => 0.2 * Math.sin((2 * Math.PI * hz * i) / 48_000),
    );
    const encoder = new OpusEncoder();
    const bed = [...framesOf(tone, 48_000)].flatMap((frame) => encoder.encode(frame));
    const live = openLive({ separateBed: true });
    live.channel.setDemand('es', { ...NO_DEMAND, interpret: { voice: true, mix: true } });
    for (const [i, packet] of packets.entries()) {
      if (bed[i]) live.channel.pushBed(bed[i]);
      await live.play([packet]);
    }
    /** Share of the energy that lies at the bed's tone. */
    const share = ({ planes: [left] }: AudioFrame) => {
      let [re, im, energy] = [0, 0, 1e-9];
      for (const [i, x] of left!.entries()) {
        re += x * Math.cos((2 * Math.PI * hz * i) / 48_000);
        im += x * Math.sin((2 * Math.PI * hz * i) / 48_000);
        energy += x * x;
      }
      return (2 * (re * re + im * im)) / (left!.length * energy);
    };
    // Before the first utterance the mix is the bed, but for its mark, and nothing of the speech that is dubbed.
    const before = live.frames('mix:interpret').slice(20, 60);
    expect(Math.min(...before.map(share))).toBeGreaterThan(0.9);
    expect(live.placed.filter((u) => u.outcome === 'spoken').length).toBeGreaterThan(1);
    await live.channel.close();
  });

  it('lets no other language wait for one whose engine hangs', async () => {
    const rendition = (language: string, translator = fakeTranslator()) => ({
      language,
      translator,
      synthesiser: fakeSynthesiser(),
      voice: FAKE_VOICE,
      outputs: [
        { mode: 'interpret' as const, kind: 'voice' as const, mark: TEST_MARK, onAudio: () => undefined },
      ],
    });
    const hanging = { ...fakeTranslator(), translate: () => new Promise<never>(() => undefined) };
    const live = openLive({ renditions: [rendition('fr', hanging), rendition('es')] });
    for (const language of ['fr', 'es']) live.channel.setDemand(language, INTERPRET);
    await live.play(packets);
    const spoken = live.placed.filter((u) => u.outcome === 'spoken');
    expect(spoken.map((u) => u.language)).toEqual(live.clauses.map(() => 'es'));
    await live.channel.close();
  });

  it.each([
    ['at the start', 3],
    ['during speech', 100],
    ['in a pause', 85],
  ])('is not troubled by a blackout of 500 ms %s', async (_when, at) => {
    const live = openLive();
    live.channel.setDemand('es', SYNCED);
    await live.play(packets.map((packet, i) => (i >= at && i < at + 25 ? undefined : packet)));
    expectSteady(live.frames('mix:synced'));
    expect(live.frames('mix:synced').length).toBeGreaterThan(packets.length - 20);
    expect(live.placed.filter((u) => u.outcome === 'spoken').length).toBeGreaterThan(1);
    await live.channel.close();
  });

  it('takes back-to-back packets after a blackout that only delayed them', async () => {
    const live = openLive();
    live.channel.setDemand('es', SYNCED);
    await live.play(packets.slice(0, 100));
    await live.play(nothing(25));
    const burst = packets.slice(100, 125);
    for (const packet of burst) live.channel.push(packet);
    await live.play(packets.slice(125));
    expectSteady(live.frames('mix:synced'));
    expect(live.clauses.map((clause) => clause.text).join(' ')).toBe(
      SCRIPT.filter((w) => w !== '~').join(' '),
    );
    await live.channel.close();
  });

  it('commits what was said before the publisher vanished, and goes on 30 s later', async () => {
    const live = openLive();
    live.channel.setDemand('es', SYNCED);
    const cut = packets.slice(0, 78);
    await live.play(cut);
    await live.play(nothing(1500));
    expect(live.clauses.map((clause) => clause.text).join(' ')).toContain('We are here now.');
    expectSteady(live.frames('mix:synced'));
    const later = packets.map((packet) => ({
      ...packet,
      mediaTimeUs: packet.mediaTimeUs + (78 + 1500) * 20_000,
    }));
    await live.play(later);
    const after = live.clauses.filter((clause) => clause.startUs > 30_000_000);
    expect(after.map((clause) => clause.text).join(' ')).toBe(SCRIPT.filter((w) => w !== '~').join(' '));
    expect(Math.abs(after[0]!.startUs - (78 + 1500) * 20_000)).toBeLessThan(200_000);
    expectSteady(live.frames('mix:synced'));
    await live.channel.close();
  });

  it('pauses for a longer delay and jumps for a shorter one, without a burst', async () => {
    const live = openLive();
    live.channel.setDemand('es', SYNCED);
    await live.play(packets.slice(0, 300));
    const before = live.frames('mix:synced').length;
    live.channel.setDelay(6000);
    await live.play(packets.slice(300, 395));
    expect(live.frames('mix:synced').length - before).toBeLessThan(4);
    await live.play(packets.slice(395, 450));
    const paused = live.frames('mix:synced').length;
    expect(paused - before).toBeGreaterThan(40);
    expectSteady(live.frames('mix:synced'));
    live.channel.setDelay(2000);
    await live.play(packets.slice(450, 452));
    const jumped = live.frames('mix:synced');
    expect(jumped.length - paused).toBeLessThan(5);
    await live.play(packets.slice(452, 500));
    const last = live.frames('mix:synced').at(-1)!;
    // A frame that ends where playout is began 20 ms before, and the mark takes two more.
    expect(500 * 20_000 - 2_000_000 - last.mediaTimeUs).toBe(60_000);
    await live.channel.close();
  });

  it('mutes at once and gives the original its level back', async () => {
    const live = openLive();
    live.channel.setDemand('es', INTERPRET);
    await live.play(packets);
    const loud = (frames: readonly AudioFrame[]) =>
      frames.some((frame) => frame.planes[0]!.some((x) => Math.abs(x) > 0.01));
    expect(loud(live.frames('voice:interpret'))).toBe(true);
    const muted = openLive();
    muted.channel.setDemand('es', INTERPRET);
    muted.channel.setControl('es', 'mute');
    await muted.play(packets);
    expect(muted.calls.translate).toBe(muted.clauses.length);
    expect(loud(muted.frames('voice:interpret').slice(2))).toBe(false);
    await live.channel.close();
    await muted.channel.close();
  });

  it('holds: later clauses are told and logged as left out', async () => {
    const live = openLive();
    live.channel.setDemand('es', INTERPRET);
    await live.play(packets.slice(0, 140));
    const spoken = live.placed.length;
    expect(spoken).toBeGreaterThan(0);
    live.channel.setControl('es', 'hold');
    await live.play(packets.slice(140));
    const held = live.placed.slice(spoken);
    expect(held.length).toBeGreaterThan(0);
    for (const u of held) expect(u.outcome).toBe('skipped-held');
    expect(live.clauseLog.entries.filter((entry) => entry.kind === 'skipped')).toHaveLength(held.length);
    await live.channel.close();
  });

  it('stops: no engine works for the language', async () => {
    const live = openLive();
    live.channel.setDemand('es', INTERPRET);
    live.channel.setControl('es', 'stop');
    await live.play(packets);
    expect(live.calls).toEqual({ translate: 0, synthesise: 0 });
    await live.channel.close();
  });

  it('speaks on time, for somebody who begins to listen, what was committed shortly before', async () => {
    const live = openLive();
    await live.play(packets.slice(0, 268));
    const known = live.clauses.length;
    expect(known).toBeGreaterThan(1);
    live.channel.setDemand('es', SYNCED);
    await live.play(packets.slice(268));
    const ids = live.placed.filter((u) => u.outcome === 'spoken').map((u) => u.clauseId);
    expect(ids[0]).toBeLessThan(known);
    expect(new Set(ids).size).toBe(ids.length);
    await live.channel.close();
  });

  it('acts on new terms with the next clause', async () => {
    const live = openLive();
    live.channel.setDemand('es', INTERPRET);
    live.channel.setTerms({
      glossary: [{ source: 'came', language: 'es', target: 'VINIMOS' }],
      doNotTranslate: [],
    });
    await live.play(packets);
    expect(live.placed.map((u) => u.text).join(' ')).toContain('VINIMOS');
    await live.channel.close();
  });
});
