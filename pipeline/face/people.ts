import type { EngineCall } from '../ports/engine.ts';
import type { TrackedFace } from '../ports/face-tracker.ts';
import type { FaceCanvas, PatchId } from './canvas.ts';
import { Person } from './person.ts';
import type { Picture, PictureFormat } from './picture.ts';

/** Tells who a face is; see FaceTracker.describe. */
export type DescribeFace = (picture: Picture, face: TrackedFace, call: EngineCall) => Promise<Float32Array>;

export interface PeopleOptions {
  readonly canvas: FaceCanvas;
  readonly format: PictureFormat;
  /** Patches the canvas may keep for all of them. */
  readonly maxPatches: number;
  readonly describe: DescribeFace | undefined;
  readonly onDrop: (patch: PatchId) => void;
}

/** Faces of one person point at least so far the same way (cosine). */
const SAME_PERSON = 0.68;
const MAX_PEOPLE = 6;
const MAX_VIEWS = 300;

/** Who was seen in a stream: a face that comes back after a cut is met with what was learnt of it. */
export class People {
  readonly #o: PeopleOptions;
  readonly #byFace = new Map<number, Person>();
  #people: Person[] = [];

  constructor(options: PeopleOptions) {
    this.#o = options;
  }

  /**
   * The person whose face this is; a new one where nobody is like it.
   * @param faces all in the picture: one of them cannot be another
   */
  async meet(
    picture: Picture,
    face: TrackedFace,
    faces: readonly TrackedFace[],
    call: EngineCall,
  ): Promise<Person> {
    const known = this.#byFace.get(face.id);
    if (known !== undefined) return known;
    for (const id of [...this.#byFace.keys()])
      if (!faces.some((other) => other.id === id)) this.#byFace.delete(id);
    const descriptor = await this.#o.describe?.(picture, face, call).catch(() => undefined);
    const person = (descriptor && this.#find(descriptor)) ?? this.#add();
    person.descriptor = descriptor ?? person.descriptor;
    this.#byFace.set(face.id, person);
    return person;
  }

  /** After a cut: the tracker gives new numbers. */
  forgetFaces(): void {
    this.#byFace.clear();
  }

  /** Sees to it that one more mouth can be kept: whoever else was not seen for longest is forgotten. */
  makeRoomFor(person: Person): void {
    const kept = this.#people.reduce((sum, { bank }) => sum + bank.views.length, 0);
    if (kept < this.#o.maxPatches) return;
    const others = this.#people.filter((other) => other !== person && other.bank.views.length > 0);
    const oldest = others.sort((a, b) => a.lastSeenUs - b.lastSeenUs)[0];
    if (oldest !== undefined) this.#forget(oldest);
  }

  /** All pixels are gone. */
  lose(): void {
    this.#people = [];
    this.#byFace.clear();
  }

  #find(descriptor: Float32Array): Person | undefined {
    const inUse = new Set(this.#byFace.values());
    let best: Person | undefined;
    let bestLikeness = SAME_PERSON;
    for (const person of this.#people) {
      if (person.descriptor === undefined || inUse.has(person)) continue;
      const likeness = person.descriptor.reduce((sum, value, i) => sum + value * descriptor[i]!, 0);
      if (likeness > bestLikeness) [best, bestLikeness] = [person, likeness];
    }
    return best;
  }

  #add(): Person {
    const { canvas, format, maxPatches, onDrop } = this.#o;
    const maxViews = Math.max(16, Math.min(MAX_VIEWS, Math.floor(maxPatches / 2)));
    const person = new Person({ canvas, format, maxViews, onDrop });
    this.#people.push(person);
    if (this.#people.length > MAX_PEOPLE)
      this.#forget([...this.#people].sort((a, b) => a.lastSeenUs - b.lastSeenUs)[0]!);
    return person;
  }

  #forget(person: Person): void {
    person.close();
    this.#people = this.#people.filter((other) => other !== person);
    for (const [face, of] of this.#byFace) if (of === person) this.#byFace.delete(face);
  }
}
