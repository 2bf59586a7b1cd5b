import type { SpeechUpdate } from '../../pipeline/face/dubbed-speech.ts';

/** Speech before a picture that still has a say in it, µs. */
const KEPT_US = 3_000_000;

/** What was told of renditions' voices and is not past: for an engine that begins later. */
export class RecentSpeech {
  readonly #updates = new Map<string, SpeechUpdate[]>();

  add(id: string, update: SpeechUpdate): void {
    const updates = this.#updates.get(id) ?? [];
    // Of how much is known, the latest says all.
    if (update.kind === 'known' && updates.at(-1)?.kind === 'known') updates.pop();
    updates.push(update);
    this.#updates.set(id, updates);
  }

  of(id: string): readonly SpeechUpdate[] {
    return this.#updates.get(id) ?? [];
  }

  remove(id: string): void {
    this.#updates.delete(id);
  }

  forget(beforeUs: number): void {
    // One by one: a long span does not keep the utterances after it.
    const isRecent = (update: SpeechUpdate) => endOf(update) > beforeUs - KEPT_US;
    for (const [id, updates] of this.#updates)
      if (!updates.every(isRecent)) this.#updates.set(id, updates.filter(isRecent));
  }
}

function endOf(update: SpeechUpdate): number {
  return update.kind === 'known' ? update.untilUs : update.endUs;
}
