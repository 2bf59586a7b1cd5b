import { LivedubError } from '../../../pipeline/errors.ts';
import {
  type CropMask,
  type CropPlace,
  cutCrop,
  pasteCrop,
  placeCrop,
} from '../../../pipeline/face/affine-paste.ts';
import type { SpeechUpdate } from '../../../pipeline/face/dubbed-speech.ts';
import { FADE_US, fadedVerdict } from '../../../pipeline/face/guard-fade.ts';
import type { GuardVerdict } from '../../../pipeline/face/guards.ts';
import { SMOOTHING_US, smoothedLandmarks } from '../../../pipeline/face/landmark-window.ts';
import { aheadPictures } from '../../../pipeline/face/look-ahead.ts';
import { lowerFaceMask } from '../../../pipeline/face/lower-face-mask.ts';
import { type MouthTarget, MouthTrack } from '../../../pipeline/face/mouth-track.ts';
import type { Picture, PictureFormat } from '../../../pipeline/face/picture.ts';
import { PictureWindow, type ShotPicture } from '../../../pipeline/face/picture-window.ts';
import { SpeakingFace } from '../../../pipeline/face/speaking-face.ts';
import type { EngineCall } from '../../../pipeline/ports/engine.ts';
import type { TrackedPicture } from '../../../pipeline/ports/face-tracker.ts';
import type {
  ReanimatedPicture,
  ReanimatedRendition,
  Reanimation,
} from '../../../pipeline/ports/reanimator.ts';
import { CropColour } from './crop-colour.ts';
import { FaceWatch } from './face-watch.ts';
import type { LipSyncNetwork } from './lip-sync-network.ts';
import { VoiceTimeline } from './voice-timeline.ts';

const NOBODY: GuardVerdict = { strength: 0, guard: 'no-face' };
const FAILED: GuardVerdict = { strength: 0, guard: 'failed' };
/** Voice that a network may still ask for, before a picture's time, µs. */
const VOICE_BEHIND_US = 2_000_000;
/** Pictures held, whatever their times say: more than the look-ahead at 60 fps. */
const MAX_HELD = 48;
/** Less cannot be seen. */
const LEAST_STRENGTH = 0.001;

interface Seen {
  readonly verdict: GuardVerdict;
  readonly faceId?: number;
  readonly landmarks?: Float32Array;
}

interface Notes {
  seen?: Seen;
}

type Held = ShotPicture & Notes;

interface FaceCrop {
  readonly place: CropPlace;
  /** As filmed. */
  readonly face: Float32Array;
  readonly mask: CropMask;
}

interface Rendition {
  readonly voice: VoiceTimeline;
  /** How much a face follows the dub, and what its lips should do, for views that explain. */
  readonly mouth: MouthTrack;
  readonly colour: CropColour;
}

export interface NeuralReanimationOptions {
  readonly network: LipSyncNetwork;
  readonly format: PictureFormat;
  /** As ReanimationOptions: a network learns nothing from it, but who asks counts on when pictures come out. */
  readonly aheadUs: number;
}

/** One channel's faces, made by a lip-sync network. A picture is made once it is known which ones after it must stay as filmed. */
export class NeuralReanimation implements Reanimation {
  readonly lookAheadUs: number;
  readonly #network: LipSyncNetwork;
  readonly #renditions = new Map<string, Rendition>();
  readonly #window: PictureWindow<Notes>;
  readonly #speaker = new SpeakingFace();
  readonly #watches = new Map<number, FaceWatch>();
  #closed = false;

  constructor({ network, format, aheadUs }: NeuralReanimationOptions) {
    this.#network = network;
    this.lookAheadUs = Math.max(SMOOTHING_US + FADE_US, network.lookAheadUs) + aheadUs;
    this.#window = new PictureWindow(MAX_HELD + aheadPictures(aheadUs, format));
  }

  addRendition(rendition: string): void {
    if (this.#renditions.has(rendition)) return;
    this.#renditions.set(rendition, {
      voice: new VoiceTimeline(),
      mouth: new MouthTrack(),
      colour: new CropColour(),
    });
  }

  removeRendition(rendition: string): void {
    this.#renditions.delete(rendition);
  }

  speech(rendition: string, update: SpeechUpdate): void {
    const found = this.#renditions.get(rendition);
    found?.voice.update(update);
    found?.mouth.add(update);
  }

  sourceSound(pcm: Float32Array, mediaTimeUs: number): void {
    this.#speaker.sound(pcm, mediaTimeUs);
  }

  async push(
    picture: Picture,
    tracked: TrackedPicture,
    call: EngineCall,
  ): Promise<readonly ReanimatedPicture[]> {
    this.#window.add(picture, tracked, {});
    return this.#advance(picture.mediaTimeUs, call);
  }

  flush(call: EngineCall, untilUs = Number.POSITIVE_INFINITY): Promise<readonly ReanimatedPicture[]> {
    return this.#advance(untilUs, call);
  }

  close(): void {
    this.#closed = true;
    this.#window.clear();
    this.#renditions.clear();
    this.#watches.clear();
  }

  async #advance(untilUs: number, call: EngineCall): Promise<readonly ReanimatedPicture[]> {
    const out: ReanimatedPicture[] = [];
    const isDue = ({ picture }: Held, laterUs: number): boolean => picture.mediaTimeUs + laterUs <= untilUs;
    const window = this.#window;
    for (const held of window.held)
      if (held.seen === undefined && isDue(held, SMOOTHING_US)) held.seen = this.#look(held);
    for (;;) {
      const held = window.held[0];
      if (held === undefined || !(window.isFull || isDue(held, this.lookAheadUs))) break;
      held.seen ??= this.#look(held);
      out.push(await this.#make(held, call));
      window.letGo();
    }
    return out;
  }

  #look(held: Held): Seen {
    const { picture, tracked, index, shotStartUs } = held;
    for (const id of this.#watches.keys())
      if (!tracked.faces.some((face) => face.id === id)) this.#watches.delete(id);
    const speaker = this.#speaker.at(tracked);
    const face = tracked.faces.find(({ id }) => id === speaker);
    if (face === undefined) return { verdict: NOBODY };
    const watch = this.#watches.get(face.id) ?? new FaceWatch();
    this.#watches.set(face.id, watch);
    const window = this.#window.around(held, SMOOTHING_US).map((other) => other.tracked);
    const landmarks = smoothedLandmarks(window, tracked, face.id)!;
    const sinceCutUs = picture.mediaTimeUs - shotStartUs;
    const verdict = watch.see({ picture, face, landmarks, index, sinceCutUs });
    return { verdict, faceId: face.id, landmarks };
  }

  async #make(held: Held, call: EngineCall): Promise<ReanimatedPicture> {
    const { picture, tracked } = held;
    const { mediaTimeUs } = picture;
    const verdict = fadedVerdict(
      held.seen!.verdict,
      mediaTimeUs,
      this.#window.around(held, FADE_US).map(({ picture: other, seen }) => ({
        mediaTimeUs: other.mediaTimeUs,
        // Where somebody else speaks, this face stays as filmed.
        verdict: seen?.faceId === held.seen!.faceId ? (seen?.verdict ?? NOBODY) : NOBODY,
      })),
    );
    const cut = once(() => this.#cut(held));
    // Side by side, so that the network takes them as one batch.
    const made = await Promise.all(
      [...this.#renditions].map(async ([id, rendition]) => {
        const result = await this.#render({ held, rendition, verdict, cut, call });
        rendition.voice.forget(mediaTimeUs - VOICE_BEHIND_US);
        rendition.mouth.forget(mediaTimeUs);
        return [id, result] as const;
      }),
    );
    return { original: picture, tracked, renditions: new Map(made) };
  }

  /** The face as filmed, and how the crop lies; the same for all renditions. */
  #cut({ picture, seen }: Held): FaceCrop {
    const { sizePx } = this.#network;
    const place = placeCrop(this.#network.boxOf(seen!.landmarks!), sizePx);
    return { place, face: cutCrop(picture, place), mask: lowerFaceMask(seen!.landmarks!, place) };
  }

  async #render(options: {
    readonly held: Held;
    readonly rendition: Rendition;
    readonly verdict: GuardVerdict;
    readonly cut: () => FaceCrop;
    readonly call: EngineCall;
  }): Promise<ReanimatedRendition> {
    const { held, rendition, verdict, cut, call } = options;
    const { picture, seen } = held;
    const { mediaTimeUs } = picture;
    const mouth = rendition.mouth.at(mediaTimeUs);
    const isKnown = rendition.voice.knownUntilUs >= mediaTimeUs + this.#network.lookAheadUs;
    const presence = isKnown ? mouth.presence : 0;
    const tell = (strength: number, guard = presence > strength ? verdict.guard : undefined) =>
      verdictOf(strength, guard, seen!, mouth);
    const strength = Math.min(presence, verdict.strength);
    if (strength <= LEAST_STRENGTH || seen?.landmarks === undefined) {
      rendition.colour.reset();
      return { bytes: picture.bytes, verdict: tell(0) };
    }
    try {
      const { place, face, mask } = cut();
      const sound = await this.#network.soundAt(rendition.voice, mediaTimeUs, call);
      const made = await this.#network.animate({ face, sound }, call);
      // Floats of 16 bits can overflow; better a mouth as filmed than a black one.
      if (!Number.isFinite(made.reduce((sum, value) => sum + value, 0)))
        throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', 'The network gave numbers that are no colours.');
      const rgb = rendition.colour.match({ filmed: face, made, mask, shot: held.shot });
      const bytes = picture.bytes.slice();
      pasteCrop(bytes, picture, { place, rgb, mask, opacity: strength });
      return { bytes, verdict: tell(strength) };
    } catch (error) {
      if (call.signal.aborted || this.#closed) throw error;
      rendition.colour.reset();
      return { bytes: picture.bytes, verdict: tell(0, FAILED.guard) };
    }
  }
}

function verdictOf(
  strength: number,
  guard: GuardVerdict['guard'],
  { faceId }: Seen,
  { opening, width }: MouthTarget,
): ReanimatedRendition['verdict'] {
  return {
    strength,
    ...(guard === undefined ? {} : { guard }),
    ...(faceId === undefined ? {} : { faceId }),
    mouth: { opening, width },
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
