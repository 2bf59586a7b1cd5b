import type { FigureRow } from '../bench/table.ts';
import { percentile } from '../measure/live-figures.ts';
import { GOALS } from './live-goals.ts';
import { BenchProgramme, type ProgrammeOptions } from './programme.ts';

/** One switch of language, ms from the request. */
export interface Switch {
  readonly answerMs: number;
  readonly packetMs: number;
  readonly playedMs: number;
  /** First level above silence in the viewer's ear; absent when the voice did not speak soon after. */
  readonly heardMs?: number;
}

export interface Join {
  readonly connectMs: number;
  readonly untilSoundMs: number;
  /** From the start of the next utterance on the timeline to its sound. */
  readonly afterUtteranceMs: number;
}

export interface Switching {
  readonly title: string;
  readonly switches: readonly Switch[];
  readonly joins: readonly Join[];
  /** Viewers that heard nothing within 30 s. */
  readonly failedJoins: number;
}

const SETTLE_MS = 800;
/** 10.7 ms. */
const VOICE_BLOCK_SAMPLES = 512;
/** Nobody wants the rendition of the viewer before any more. */
const IDLE_MS = 1500;

/**
 * A viewer switches to and fro between two languages, and viewers join; once while others listen to both languages, once
 * while nobody does, so that the voice has to be started first.
 */
export async function measureSwitching(
  options: Omit<ProgrammeOptions, 'id' | 'sound' | 'picture' | 'loop'>,
  counts: { readonly switches: number; readonly joins: number },
  progress: (text: string) => void,
): Promise<readonly Switching[]> {
  const { languages } = options;
  return await BenchProgramme.during(
    { ...options, id: 'bench-switch', sound: 'microphone', picture: false, loop: true },
    async (programme) => {
      const others = await programme.browser.page();
      const viewer = await programme.browser.page();
      await viewer.call('watchPackets');
      const measured: Switching[] = [];
      for (const title of ['others listen', 'nobody else listens']) {
        const isAlone = title !== 'others listen';
        progress(`switching and joining while ${title}`);
        for (const language of languages) {
          if (isAlone) await others.call('leave', language);
          else
            await others.call('view', language, programme.id, { language, mode: 'interpret', video: false });
        }
        await viewer.call('view', 'switcher', programme.id, {
          language: languages.at(-1),
          mode: 'interpret',
          video: false,
        });
        // From the start, as a player does: what is received and not played would pile up in the browser.
        for (const language of languages)
          await viewer.call('listen', 'switcher', `voice:${language}:interpret`, VOICE_BLOCK_SAMPLES);
        await programme.wait(3 * SETTLE_MS);
        const args = ['switcher', languages, counts.switches, SETTLE_MS];
        const switches = await viewer.call<Switch[]>('switches', ...args);
        await viewer.call('leave', 'switcher');
        const joins: Join[] = [];
        let failedJoins = 0;
        for (let i = 0; i < counts.joins; i += 1) {
          await programme.wait(IDLE_MS);
          const language = languages[i % languages.length];
          const join = viewer.call<Join>('join', 'joiner', programme.id, language, programme.originMs);
          await join.then(
            (one) => joins.push(one),
            () => {
              failedJoins += 1;
            },
          );
        }
        measured.push({ title, switches, joins, failedJoins });
      }
      return measured;
    },
  );
}

export function switchRows(all: readonly Switching[]): FigureRow[] {
  const row = (
    name: string,
    unit: string,
    value: (one: Switching) => number | null,
    goal?: FigureRow['figures'][number]['goal'],
  ): FigureRow => ({
    name,
    unit,
    digits: 0,
    figures: all.map((one) => ({ value: value(one), ...(goal === undefined ? {} : { goal }) })),
  });
  const of = (key: keyof Switch, share: number) => (one: Switching) =>
    percentile(
      one.switches.flatMap((measured) => measured[key] ?? []),
      share,
    );
  const joined = (key: keyof Join, share: number) => (one: Switching) =>
    percentile(
      one.joins.map((measured) => measured[key]),
      share,
    );
  return [
    row('switches', '', ({ switches }) => switches.length),
    row('switch to answer, P95', 'ms', of('answerMs', 0.95)),
    row('switch to first packet, P50', 'ms', of('packetMs', 0.5)),
    row('switch to first packet, P95', 'ms', of('packetMs', 0.95), GOALS.switchP95),
    row('switch to first sound played, P50', 'ms', of('playedMs', 0.5)),
    row('switch to first sound played, P95', 'ms', of('playedMs', 0.95)),
    row('switch to voice in the ear, P50', 'ms', of('heardMs', 0.5)),
    row('joins', '', ({ joins }) => joins.length),
    row('joins without sound', '', ({ failedJoins }) => failedJoins),
    row('join to connected, P50', 'ms', joined('connectMs', 0.5)),
    row('next utterance to sound, P50', 'ms', joined('afterUtteranceMs', 0.5)),
    row('next utterance to sound, most', 'ms', joined('afterUtteranceMs', 1), GOALS.joinToVoice),
    row('join to first dubbed sound, P50', 'ms', joined('untilSoundMs', 0.5)),
  ];
}
