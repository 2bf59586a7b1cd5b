import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OpusEncoder } from './audio/opus.ts';
import { systemClock } from './clock.ts';
import { DubChannel } from './dub-channel.ts';
import type { EncodedFrame, UtteranceFrame } from './frames.ts';
import type { ClauseLogEntry } from './ports/clause-log.ts';
import {
  FAKE_ENGINE,
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
import { Resumption } from './resumption.ts';

const SCRIPT =
  'We are here. ~ ~ This is what came. ~ ~ It goes on. ~ ~ Good things come. ~ ~ All is well. ~ ~ We stay here. ~ ~ ~'.split(
    ' ',
  );
const WORDS = SCRIPT.filter((word) => word !== '~').join(' ');

const encoder = new OpusEncoder();
const PACKETS: readonly EncodedFrame[] = [
  ...[...framesOf(spokenScript(SCRIPT, 48_000), 48_000)].flatMap((frame) => encoder.encode(frame)),
  ...encoder.flush(),
];

function open(resume: readonly ClauseLogEntry[], clauseLog: ReturnType<typeof memoryClauseLog>) {
  return new DubChannel({
    vad: fakeVad(),
    recogniser: fakeRecogniser(SCRIPT),
    language: 'en',
    renditions: [
      {
        language: 'es',
        translator: fakeTranslator(),
        synthesiser: fakeSynthesiser(),
        voice: FAKE_VOICE,
        outputs: [
          { mode: 'synced', kind: 'mix', mark: TEST_MARK, onAudio: async () => undefined },
          { mode: 'interpret', kind: 'voice', mark: TEST_MARK, onAudio: async () => undefined },
        ],
      },
    ],
    pacing: { kind: 'replay', delayMs: 3000 },
    clock: systemClock,
    priority: 'live',
    clauseLog,
    observers: [],
    signal: new AbortController().signal,
    resume,
  });
}

/** A channel that dies with its n-th entry in the log: what it wrote is there, nothing more happens. */
function mortalLog(entriesLeft: number, onDeath: () => void) {
  const log = memoryClauseLog();
  return {
    ...log,
    entries: log.entries,
    append: async (entry: ClauseLogEntry) => {
      if (log.entries.length >= entriesLeft) throw new Error('killed');
      log.entries.push(entry);
      if (log.entries.length === entriesLeft) onDeath();
    },
  };
}

async function feed(channel: DubChannel, packets: readonly EncodedFrame[]): Promise<void> {
  try {
    for (const packet of packets) {
      channel.push(packet);
      await channel.workedOff(packet.mediaTimeUs - 2_000_000);
    }
    channel.end();
    await channel.done;
  } catch {
    // Killed.
  }
}

describe('resuming from a clause log', () => {
  it('repeats no clause and loses none, wherever the channel was killed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
        async (kills) => {
          const all: ClauseLogEntry[] = [];
          for (const entriesLeft of [...kills, Number.POSITIVE_INFINITY]) {
            const log = mortalLog(entriesLeft, () => void channel.close());
            const channel: DubChannel = open(all, log);
            // The server sends again what it kept: from a little before the last committed clause's end.
            const fromUs = (channel.resumeFromUs ?? 0) - 1_000_000;
            await feed(
              channel,
              PACKETS.filter((packet) => packet.mediaTimeUs >= fromUs),
            );
            all.push(...log.entries);
          }
          const clauses = all.flatMap((entry) => (entry.kind === 'clause' ? [entry.clause] : []));
          expect(clauses.map(({ id }) => id)).toEqual(clauses.map((_, i) => i));
          expect(clauses.map(({ text }) => text).join(' ')).toBe(WORDS);
          for (const mode of ['synced', 'interpret']) {
            const fates = all.flatMap((entry) =>
              entry.kind === 'clause' || entry.mode !== mode
                ? []
                : [entry.kind === 'utterance' ? entry.utterance.clauseId : entry.clauseId],
            );
            expect([...fates].sort((a, b) => a - b)).toEqual(clauses.map(({ id }) => id));
          }
        },
      ),
      { numRuns: 12 },
    );
  }, 60_000);
});

describe('Resumption', () => {
  const clause = (id: number, endS: number): ClauseLogEntry => ({
    kind: 'clause',
    clause: {
      kind: 'clause',
      id,
      segmentId: id,
      language: 'en',
      text: 'x',
      startUs: (endS - 1) * 1e6,
      endUs: endS * 1e6,
      confidence: 1,
      endsSegment: true,
      mediaTimeUs: endS * 1e6,
      recogniser: FAKE_ENGINE,
      pitchHz: 111,
    },
  });

  it('starts from nothing with an empty log', () => {
    const nothing = new Resumption([]);
    expect(nothing.nextClauseId).toBe(0);
    expect(nothing.resumeFromUs).toBeUndefined();
    expect(nothing.unspoken('es', [{ mode: 'synced' }])).toEqual([]);
  });

  it('names what has no fate yet in some mode, and leaves long past clauses be', () => {
    const log: ClauseLogEntry[] = [
      clause(0, 10),
      clause(1, 60),
      clause(2, 62),
      clause(3, 64),
      { kind: 'skipped', clauseId: 2, language: 'es', mode: 'synced', reason: 'lag' },
    ];
    const resumption = new Resumption(log);
    expect(resumption.resumeFromUs).toBe(64e6);
    expect(resumption.nextClauseId).toBe(4);
    expect(resumption.unspoken('es', [{ mode: 'synced' }]).map(({ id }) => id)).toEqual([1, 3]);
    expect(
      resumption.unspoken('es', [{ mode: 'synced' }, { mode: 'interpret' }]).map(({ id }) => id),
    ).toEqual([1, 2, 3]);
    expect([...resumption.settled('es', 'synced')]).toEqual([2]);
    expect(resumption.unspoken('es', [{ mode: 'synced' }])[0]).toMatchObject({ pitchHz: 111 });
  });

  it('leaves alone what nobody wanted to hear before the last that was spoken', () => {
    const utterance = { clauseId: 1, language: 'es' } as UtteranceFrame;
    const resumption = new Resumption([
      clause(0, 60),
      clause(1, 61),
      { kind: 'utterance', mode: 'synced', utterance, startUs: 61e6 },
      clause(2, 62),
    ]);
    expect(resumption.unspoken('es', [{ mode: 'synced' }]).map(({ id }) => id)).toEqual([2]);
    expect(resumption.unspoken('fr', [{ mode: 'synced' }]).map(({ id }) => id)).toEqual([0, 1, 2]);
  });
});
