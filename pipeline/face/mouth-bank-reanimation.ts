import type { EngineCall } from '../ports/engine.ts';
import type { TrackedPicture } from '../ports/face-tracker.ts';
import type {
  FaceGuard,
  FaceVerdict,
  ReanimatedPicture,
  ReanimatedRendition,
  Reanimation,
} from '../ports/reanimator.ts';
import type { FaceCanvas, PatchId, PictureSlot } from './canvas.ts';
import { CANVAS_REGION } from './cpu-canvas.ts';
import type { SpeechUpdate } from './dubbed-speech.ts';
import { FACE_PRIOR } from './face-prior.ts';
import { type FaceView, lightGap, lookAt } from './face-view.ts';
import { FADE_US, fadedVerdict } from './guard-fade.ts';
import { type GuardVerdict, guardView } from './guards.ts';
import { SMOOTHING_US, smoothedLandmarks } from './landmark-window.ts';
import { type MouthTarget, MouthTrack } from './mouth-track.ts';
import { type LipTarget, PatchPath } from './patch-path.ts';
import { type DescribeFace, People } from './people.ts';
import type { Person } from './person.ts';
import type { Picture, PictureFormat } from './picture.ts';
import { PictureWindow, type ShotPicture } from './picture-window.ts';
import { RenditionFace } from './rendition-face.ts';
import { smoothstep } from './smoothstep.ts';
import type { LipRange } from './speaker-model.ts';
import { SpeakingFace } from './speaking-face.ts';

export interface MouthBankReanimationOptions {
  readonly format: PictureFormat;
  /** As ReanimationOptions. */
  readonly aheadUs: number;
  readonly canvas: FaceCanvas;
  readonly maxPatches: number;
  /** Pictures that may wait: as many as the canvas holds. */
  readonly maxPictures: number;
  readonly describe: DescribeFace | undefined;
}

/** Mouths are chosen with a view to what follows for so long, µs. */
const CHOICE_US = 280_000;
/** Mouths to choose from, at least. */
const MIN_VIEWS = 8;
/** A chosen mouth filmed from another side: from the first angle on a face follows less, from the second not at all. */
const POSE_GAP_DEG = [8, 16] as const;
/** The same for one filmed in another light, which no gain makes like this one (logarithms). */
const LIGHT_GAP = [0.25, 0.45] as const;
const NOBODY: GuardVerdict = { strength: 0, guard: 'no-face' };
const FAILED: GuardVerdict = { strength: 0, guard: 'failed' };

/** What is known of the face that speaks in one picture. */
interface Seen {
  readonly verdict: GuardVerdict;
  readonly face?: { readonly view: FaceView; readonly person: Person; readonly expression: Float32Array };
}

/** What a rendition wants of one picture. */
interface Plan {
  readonly mouth: MouthTarget;
  readonly verdict: GuardVerdict;
  /** Where the mouth is being chosen, and the lips it is to have; absent: the picture stays as filmed. */
  readonly choice?: { readonly path: PatchPath; readonly lips: LipTarget };
}

interface Notes {
  slot?: PictureSlot;
  seen?: Seen;
  /** Whether its face is the one that speaks, for all that was heard since, too. */
  speaks?: boolean;
  readonly plans: Map<string, Plan>;
}

type Held = ShotPicture & Notes;

interface Rendition {
  readonly mouth: MouthTrack;
  readonly face: RenditionFace;
  path: { readonly of: Person; readonly shot: number; readonly search: PatchPath } | undefined;
}

/**
 * Reanimation with a bank of the speaker's own mouths. A picture is looked at once what follows it for a moment is there, planned once
 * it is known which pictures around it must stay as filmed, and made once the mouths after it are being chosen.
 */
export class MouthBankReanimation implements Reanimation {
  readonly lookAheadUs: number;
  readonly #o: MouthBankReanimationOptions;
  readonly #people: People;
  readonly #speaking = new SpeakingFace();
  readonly #renditions = new Map<string, Rendition>();
  readonly #dropped: { readonly patch: PatchId; readonly index: number }[] = [];
  readonly #window: PictureWindow<Notes>;
  #epoch: number;
  #streams = 0;
  #before: FaceView | undefined;
  /** The picture that was planned last. */
  #plannedUs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: MouthBankReanimationOptions) {
    this.#o = options;
    this.lookAheadUs = SMOOTHING_US + FADE_US + CHOICE_US + options.aheadUs;
    this.#epoch = options.canvas.epoch;
    // One more is let in before the oldest goes.
    this.#window = new PictureWindow(options.maxPictures - 1);
    this.#people = new People({
      ...options,
      onDrop: (patch) => this.#dropped.push({ patch, index: this.#window.count }),
    });
  }

  addRendition(rendition: string): void {
    if (this.#renditions.has(rendition)) return;
    this.#streams += 1;
    this.#renditions.set(rendition, {
      mouth: new MouthTrack(),
      face: new RenditionFace(this.#streams),
      path: undefined,
    });
  }

  removeRendition(rendition: string): void {
    this.#renditions.delete(rendition);
  }

  speech(rendition: string, update: SpeechUpdate): void {
    this.#renditions.get(rendition)?.mouth.add(update);
  }

  sourceSound(pcm: Float32Array, mediaTimeUs: number): void {
    this.#speaking.sound(pcm, mediaTimeUs);
  }

  async push(
    picture: Picture,
    tracked: TrackedPicture,
    call: EngineCall,
  ): Promise<readonly ReanimatedPicture[]> {
    this.#window.add(picture, tracked, { plans: new Map() });
    return this.#advance(picture.mediaTimeUs, call);
  }

  flush(call: EngineCall, untilUs = Number.POSITIVE_INFINITY): Promise<readonly ReanimatedPicture[]> {
    return this.#advance(untilUs, call);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#window.clear();
    this.#o.canvas.close();
  }

  /** Does what can be done once everything up to a moment is there. */
  async #advance(untilUs: number, call: EngineCall): Promise<readonly ReanimatedPicture[]> {
    const out: ReanimatedPicture[] = [];
    const isDue = ({ picture }: Held, laterUs: number) => picture.mediaTimeUs + laterUs <= untilUs;
    const window = this.#window;
    for (const held of window.held)
      if (held.seen === undefined && isDue(held, SMOOTHING_US)) held.seen = await this.#look(held, call);
    for (const held of window.held)
      if (held.seen !== undefined && isDue(held, SMOOTHING_US + this.#o.aheadUs)) this.#settle(held);
    for (const held of window.held)
      if (held.seen !== undefined && held.plans.size === 0 && isDue(held, this.lookAheadUs - CHOICE_US))
        this.#plan(held);
    for (;;) {
      const held = window.held[0];
      if (held === undefined || !(window.isFull || isDue(held, this.lookAheadUs))) break;
      held.seen ??= await this.#look(held, call);
      if (held.plans.size === 0) this.#plan(held);
      out.push(await this.#make(held));
      window.letGo();
    }
    return out;
  }

  async #look(held: Held, call: EngineCall): Promise<Seen> {
    const { picture, tracked } = held;
    if (tracked.isCut) this.#people.forgetFaces();
    const isHere = (id: number | undefined) => tracked.faces.some((face) => face.id === id);
    // Nothing more will be heard of a face that is gone.
    for (const other of this.#window.held)
      if (other.seen !== undefined && !isHere(other.seen.face?.view.faceId)) this.#settle(other);
    this.#speaking.at(tracked);
    const face = tracked.faces.find(({ id }) => id === this.#speaking.likeliest);
    if (face === undefined) {
      this.#before = undefined;
      return { verdict: NOBODY };
    }
    try {
      this.#survive();
      const window = this.#window.around(held, SMOOTHING_US).map((other) => other.tracked);
      const view = lookAt({
        ...{ picture, faceId: face.id, index: held.index, confidence: face.confidence },
        landmarks: smoothedLandmarks(window, tracked, face.id)!,
        template: FACE_PRIOR.template,
        mouth: CANVAS_REGION.mouth,
        before: this.#before?.faceId === face.id ? this.#before : undefined,
      });
      this.#before = view;
      const verdict = guardView(view, this.#o.format, picture.mediaTimeUs - held.shotStartUs);
      const person = await this.#people.meet(picture, face, tracked.faces, call);
      this.#people.makeRoomFor(person);
      held.slot = this.#o.canvas.load(picture);
      const learnt = person.see(view, held.slot, verdict.strength === 1 || verdict.guard === 'cut');
      const seen = { view, person, expression: learnt.expression };
      return { verdict: weaker(verdict, learnt.verdict), face: seen };
    } catch {
      return { verdict: FAILED };
    }
  }

  /** Who speaks was not clear, or another seemed to, when the picture was looked at: it may be by now. */
  #settle(held: Held): void {
    const { face } = held.seen!;
    held.speaks ??= face !== undefined && face.view.faceId === this.#speaking.speaker;
  }

  #plan(held: Held): void {
    this.#settle(held);
    const { picture, seen } = held;
    const faceId = seen!.face?.view.faceId;
    // While another face speaks, this one is as filmed.
    const around = this.#window
      .around(held, FADE_US)
      .flatMap(({ picture: { mediaTimeUs }, seen: other, speaks }) => {
        if (other === undefined) return [];
        const isSame = other.face?.view.faceId === faceId && speaks !== false;
        return [{ mediaTimeUs, verdict: isSame ? other.verdict : NOBODY }];
      });
    const own = held.speaks ? seen!.verdict : weaker(seen!.verdict, NOBODY);
    const verdict = fadedVerdict(own, picture.mediaTimeUs, around);
    for (const [id, rendition] of this.#renditions) {
      const mouth = rendition.mouth.at(picture.mediaTimeUs, picture.mediaTimeUs - this.#plannedUs);
      const isKnown = rendition.mouth.knownUs > picture.mediaTimeUs;
      const presence = isKnown ? mouth.presence : 0;
      held.plans.set(id, this.#choose(held, rendition, mouth, presence, verdict));
    }
    this.#plannedUs = picture.mediaTimeUs;
  }

  #choose(
    held: Held,
    rendition: Rendition,
    mouth: MouthTarget,
    presence: number,
    verdict: GuardVerdict,
  ): Plan {
    const { face } = held.seen!;
    const strength = Math.min(presence, verdict.strength);
    const range = face?.person.model.range;
    if (face === undefined || range === undefined || strength <= 0.001)
      return { mouth, verdict: presence > 0 ? verdict : { strength: 0 } };
    const { view, person, expression } = face;
    if (person.bank.views.length < MIN_VIEWS) return { mouth, verdict: { strength: 0, guard: 'learning' } };
    if (rendition.path?.of !== person || rendition.path.shot !== held.shot)
      rendition.path = { of: person, shot: held.shot, search: new PatchPath() };
    const path = rendition.path.search;
    const wanted = lipsOf(mouth, range);
    const lips = {
      opening: view.lips.opening + strength * (wanted.opening - view.lips.opening),
      width: view.lips.width + strength * (wanted.width - view.lips.width),
    };
    path.push(lips, view, expression, person.bank, range);
    const guard = verdict.strength < presence ? verdict.guard : undefined;
    return { mouth, verdict: { strength, ...(guard ? { guard } : {}) }, choice: { path, lips } };
  }

  async #make(held: Held): Promise<ReanimatedPicture> {
    const { picture, tracked } = held;
    // A canvas may work on all of them at once.
    const made = await Promise.all(
      [...held.plans].map(async ([id, plan]): Promise<[string, ReanimatedRendition][]> => {
        const rendition = this.#renditions.get(id);
        if (rendition === undefined) return [];
        rendition.mouth.forget(picture.mediaTimeUs);
        return [[id, await this.#render(held, plan, rendition)]];
      }),
    );
    const renditions = new Map(made.flat());
    if (held.slot !== undefined) this.#o.canvas.release(held.slot);
    while (this.#dropped.length > 0 && this.#dropped[0]!.index <= held.index)
      this.#o.canvas.dropPatch(this.#dropped.shift()!.patch);
    return { original: picture, tracked, renditions };
  }

  async #render(held: Held, plan: Plan, rendition: Rendition): Promise<ReanimatedRendition> {
    const { picture, slot, seen } = held;
    const decided = plan.choice?.path.decide();
    const asFilmed = (verdict: GuardVerdict): ReanimatedRendition => {
      rendition.face.interrupt();
      return { bytes: picture.bytes, verdict: this.#told(held, plan, { ...verdict, strength: 0 }) };
    };
    if (plan.choice === undefined || decided === undefined) return asFilmed(plan.verdict);
    if (slot === undefined || this.#o.canvas.epoch !== this.#epoch) return asFilmed(FAILED);
    const { view, person, expression } = seen!.face!;
    const turned = 1 - smoothstep(...POSE_GAP_DEG, decided.poseGapDeg);
    const lit = 1 - smoothstep(...LIGHT_GAP, Math.abs(lightGap(decided.view, view)));
    const near = turned * lit;
    const strength = plan.verdict.strength * near;
    if (strength <= 0.001) return asFilmed({ strength: 0, guard: 'learning' });
    const { lips } = plan.choice;
    const faded = {
      opening: view.lips.opening + near * (lips.opening - view.lips.opening),
      width: view.lips.width + near * (lips.width - view.lips.width),
    };
    try {
      const job = rendition.face.job({
        ...{ picture, slot, view, person, expression, strength },
        chosen: decided.view,
        lips: faded,
      });
      const bytes = await this.#o.canvas.render(slot, [job]);
      return { bytes, verdict: this.#told(held, plan, { ...plan.verdict, strength }) };
    } catch {
      return asFilmed(FAILED);
    }
  }

  #told({ seen }: Held, { mouth }: Plan, { strength, guard }: GuardVerdict): FaceVerdict {
    return {
      strength,
      ...(guard === undefined ? {} : { guard: guard satisfies FaceGuard }),
      ...(seen?.face === undefined ? {} : { faceId: seen.face.view.faceId }),
      mouth: { opening: mouth.opening, width: mouth.width },
    };
  }

  /** Begins anew when the canvas lost everything it kept. */
  #survive(): void {
    const { epoch } = this.#o.canvas;
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#dropped.length = 0;
    this.#people.lose();
    for (const held of this.#window.held) delete held.slot;
    for (const rendition of this.#renditions.values()) rendition.path = undefined;
  }
}

function lipsOf({ opening, width }: MouthTarget, range: LipRange): LipTarget {
  const side = width < 0 ? range.widthMiddle - range.widthMin : range.widthMax - range.widthMiddle;
  return {
    opening: range.openingMin + opening * (range.openingMax - range.openingMin),
    width: range.widthMiddle + width * side,
  };
}

function weaker(a: GuardVerdict, b: GuardVerdict): GuardVerdict {
  return b.strength < a.strength ? b : a;
}
