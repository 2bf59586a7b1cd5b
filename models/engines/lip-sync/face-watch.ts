import { FACE_PRIOR } from '../../../pipeline/face/face-prior.ts';
import { type FaceView, lookAt } from '../../../pipeline/face/face-view.ts';
import { type GuardVerdict, guardView, PersonGuard } from '../../../pipeline/face/guards.ts';
import { MouthBank } from '../../../pipeline/face/mouth-bank.ts';
import { mouthRegion } from '../../../pipeline/face/mouth-region.ts';
import type { Picture } from '../../../pipeline/face/picture.ts';
import { SpeakerModel } from '../../../pipeline/face/speaker-model.ts';
import type { TrackedFace } from '../../../pipeline/ports/face-tracker.ts';

/** Pictures of one face that are remembered, and how far apart they are, µs. */
const MAX_VIEWS = 150;
const APART_US = 100_000;
const MIN_CONFIDENCE = 0.6;
const { mouth: MOUTH } = mouthRegion(FACE_PRIOR.template);

/** Watches one face through a shot: what keeps it from following the dub. No pixels are kept, only small pictures of the mouth. */
export class FaceWatch {
  readonly #guard = new PersonGuard();
  readonly #model = new SpeakerModel(FACE_PRIOR);
  readonly #views = new MouthBank({ maxViews: MAX_VIEWS, onDrop: () => {} });
  #before: FaceView | undefined;
  #keptUs = Number.NEGATIVE_INFINITY;

  /** Pictures in order. @param landmarks freed of the tracker's tremor */
  see(options: {
    readonly picture: Picture;
    readonly face: TrackedFace;
    readonly landmarks: Float32Array;
    readonly index: number;
    readonly sinceCutUs: number;
  }): GuardVerdict {
    const { picture, face, landmarks, index, sinceCutUs } = options;
    const view = lookAt({
      ...{ picture, faceId: face.id, index, landmarks, confidence: face.confidence },
      template: FACE_PRIOR.template,
      mouth: MOUTH,
      before: this.#before,
    });
    this.#before = view;
    const alone = guardView(view, picture, sinceCutUs);
    const { range } = this.#model;
    const unexplained = range === undefined ? undefined : this.#views.unexplained(view, range);
    const among = this.#guard.judge(view, unexplained);
    const isTrusted = (alone.strength === 1 || alone.guard === 'cut') && among.strength === 1;
    if (isTrusted && view.confidence >= MIN_CONFIDENCE) this.#learn(view);
    return among.strength < alone.strength ? among : alone;
  }

  #learn(view: FaceView): void {
    this.#model.learn(view.canonical, view.lips, view.asymmetry);
    if (view.mediaTimeUs - this.#keptUs < APART_US) return;
    this.#keptUs = view.mediaTimeUs;
    const kept = { ...view, patch: 0, points: NOTHING, expression: NOTHING };
    this.#views.keep(kept, this.#model.range);
  }
}

const NOTHING = new Float32Array(0);
