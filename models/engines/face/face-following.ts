import { LivedubError, toLivedubError } from '../../../pipeline/errors.ts';
import type { CropArea } from '../../../pipeline/face/affine-crop.ts';
import type { Picture } from '../../../pipeline/face/picture.ts';
import { ShotCuts } from '../../../pipeline/mark/video/shot-cuts.ts';
import type { EngineCall } from '../../../pipeline/ports/engine.ts';
import type {
  FaceTracking,
  FaceTrackingOptions,
  TrackedFace,
  TrackedPicture,
} from '../../../pipeline/ports/face-tracker.ts';
import { areaOfFound, areaOfMesh, areasOfEyes, FACE_MARGIN, steadied } from './face-areas.ts';
import { faceLook, likeness } from './face-look.ts';
import type { FaceNetworks } from './face-networks.ts';

/** The detector is asked so often while more faces could be followed, and while none could, µs of media time. */
const LOOK_EVERY_US = 500_000;
const LOOK_FOR_LARGER_EVERY_US = 2_000_000;
/** After a face was lost it is looked for at once, but no sooner than this after the last time. */
const LOOK_AGAIN_US = 100_000;
/** After such a hole nothing is where it was. */
const MAX_GAP_US = 1_000_000;
/** A face that comes back within this time near where it was lost is the same. */
const REMEMBER_US = 1_000_000;

/** Score of the detector, and confidence of the mesh, from which a face is followed; and until which it is. */
const MIN_SCORE = 0.5;
const MIN_NEW_CONFIDENCE = 0.7;
const MIN_CONFIDENCE = 0.4;
/** A mesh of a smaller face says nothing, px. */
const MIN_FACE_PX = 16;
/** Distance of two faces, in sizes of a face, below which they are one. */
const SAME_FACE = 0.4;
/** How far a face moves in 40 ms at most, in sizes of a face; what moves farther is another face. */
const MAX_MOVE = 0.35;
const MOVE_US = 40_000;
/** Likeness of a face to itself in the picture before, below which another face is in its place: a cut between two of one set. */
const SAME_LOOK = 0.65;
/** A newcomer has to be so much larger than the smallest face to be followed in its place. */
const LARGER = 1.5;

interface Followed {
  readonly id: number;
  readonly area: CropArea;
  readonly points: Float32Array;
  readonly confidence: number;
  readonly seenUs: number;
  /** What it looked like, and where, when something was last to be seen of it. */
  readonly looks: { readonly look: Float32Array; readonly area: CropArea } | undefined;
}

/** Follows the faces of one stream. */
export class FaceFollowing implements FaceTracking {
  readonly #networks: FaceNetworks;
  readonly #maxFaces: number;
  readonly #withIrises: boolean;
  readonly #cuts = new ShotCuts();
  #faces: Followed[] = [];
  #lost: Followed[] = [];
  #nextId = 1;
  #lookedUs = Number.NEGATIVE_INFINITY;
  #lastUs: number | undefined;
  #closed = false;

  constructor(networks: FaceNetworks, options: FaceTrackingOptions = {}) {
    this.#networks = networks;
    this.#maxFaces = options.maxFaces ?? 4;
    this.#withIrises = options.irises ?? false;
  }

  async track(picture: Picture, { signal }: EngineCall): Promise<TrackedPicture> {
    if (this.#closed) throw new LivedubError('LIVEDUB_E_CLOSED', 'These faces are followed no more.');
    try {
      signal.throwIfAborted();
      const { mediaTimeUs } = picture;
      const isCut = this.#cuts.isCut(lumaOf(picture), mediaTimeUs);
      const gapUs = mediaTimeUs - (this.#lastUs ?? mediaTimeUs);
      this.#lastUs = mediaTimeUs;
      if (isCut || gapUs < 0 || gapUs > MAX_GAP_US) {
        this.#faces = [];
        this.#lost = [];
        this.#lookedUs = Number.NEGATIVE_INFINITY;
      }
      const hasLost = await this.#follow(picture, gapUs);
      signal.throwIfAborted();
      if (this.#isTimeToLook(mediaTimeUs, hasLost)) await this.#look(picture);
      signal.throwIfAborted();
      const faces = [...this.#faces].sort((a, b) => b.area.sizePx - a.area.sizePx);
      return {
        mediaTimeUs,
        isCut,
        faces: await Promise.all(faces.map((face) => this.#tracked(picture, face))),
      };
    } catch (error) {
      throw toLivedubError(error, 'LIVEDUB_E_ENGINE_FAILED');
    }
  }

  close(): void {
    this.#closed = true;
    this.#faces = [];
    this.#lost = [];
  }

  /** Looks for each face where it was. @returns whether one is not there any more */
  async #follow(picture: Picture, gapUs: number): Promise<boolean> {
    const former = this.#faces;
    const followed: Followed[] = [];
    for (const face of former) {
      const seen = await this.#mesh(picture, face.area, MIN_CONFIDENCE);
      if (seen === undefined) continue;
      const isNear =
        distance(seen.area, face.area) < MAX_MOVE * faceSize(face.area) * Math.max(1, gapUs / MOVE_US);
      const id = isNear && isAlike(picture, seen, face) ? face.id : this.#newId();
      followed.push({ ...seen, id, looks: seen.looks ?? face.looks });
    }
    this.#faces = withoutDoubles(followed);
    const gone = former.filter(({ id }) => !this.#faces.some((face) => face.id === id));
    this.#lost = [...this.#lost, ...gone].filter(({ seenUs }) => picture.mediaTimeUs - seenUs <= REMEMBER_US);
    return gone.length > 0;
  }

  #isTimeToLook(nowUs: number, hasLost: boolean): boolean {
    const everyUs = this.#faces.length >= this.#maxFaces ? LOOK_FOR_LARGER_EVERY_US : LOOK_EVERY_US;
    return nowUs - this.#lookedUs >= (hasLost ? LOOK_AGAIN_US : everyUs);
  }

  /** Takes up faces that are not followed yet. */
  async #look(picture: Picture): Promise<void> {
    this.#lookedUs = picture.mediaTimeUs;
    const found = (await this.#networks.detect(picture, MIN_SCORE))
      .map(areaOfFound)
      .filter((area) => !this.#faces.some((face) => isSameFace(area, face.area)))
      .sort((a, b) => b.sizePx - a.sizePx);
    for (const area of found) {
      const isFull = this.#faces.length >= this.#maxFaces;
      const smallest = this.#faces.reduce<Followed | undefined>(
        (least, face) => (least === undefined || face.area.sizePx < least.area.sizePx ? face : least),
        undefined,
      );
      if (isFull && (smallest === undefined || area.sizePx < smallest.area.sizePx * LARGER)) break;
      // The detector's square is a rough one: what the mesh says from there shows where to look properly.
      const rough = await this.#mesh(picture, area, MIN_NEW_CONFIDENCE);
      const seen = rough && (await this.#mesh(picture, rough.area, MIN_NEW_CONFIDENCE));
      if (seen === undefined || this.#faces.some((face) => isSameFace(seen.area, face.area))) continue;
      const kept = isFull ? this.#faces.filter((face) => face !== smallest) : this.#faces;
      this.#faces = [...kept, { ...seen, id: this.#known(seen.area) ?? this.#newId() }];
    }
  }

  async #mesh(
    picture: Picture,
    area: CropArea,
    minConfidence: number,
  ): Promise<Omit<Followed, 'id'> | undefined> {
    const { points, confidence } = await this.#networks.mesh(picture, area);
    if (confidence < minConfidence) return undefined;
    const exact = areaOfMesh(points);
    const next = steadied(exact, area);
    const { centreX, centreY } = next;
    const isInside = centreX >= 0 && centreY >= 0 && centreX < picture.widthPx && centreY < picture.heightPx;
    if (!isInside || faceSize(next) < MIN_FACE_PX) return undefined;
    const look = faceLook(picture, exact);
    const looks = look && { look, area: exact };
    return { area: next, points, confidence, seenUs: picture.mediaTimeUs, looks };
  }

  /** The number of a face that was lost here a moment ago. */
  #known(area: CropArea): number | undefined {
    const same = this.#lost.find(
      (face) =>
        distance(face.area, area) < faceSize(area) &&
        Math.abs(Math.log(face.area.sizePx / area.sizePx)) < Math.log(LARGER),
    );
    this.#lost = this.#lost.filter((face) => face !== same);
    return same?.id;
  }

  #newId(): number {
    this.#nextId += 1;
    return this.#nextId - 1;
  }

  async #tracked(picture: Picture, { id, points, confidence }: Followed): Promise<TrackedFace> {
    const face: TrackedFace = { id, landmarks: points, confidence: Math.min(1, Math.max(0, confidence)) };
    if (!this.#withIrises) return face;
    const [right, left] = areasOfEyes(points);
    return {
      ...face,
      irises: [await this.#networks.iris(picture, right), await this.#networks.iris(picture, left)],
    };
  }
}

/** Of two meshes on one face the one that was there first stays. */
function withoutDoubles(faces: readonly Followed[]): Followed[] {
  const kept: Followed[] = [];
  for (const face of [...faces].sort((a, b) => a.id - b.id))
    if (!kept.some((other) => isSameFace(face.area, other.area))) kept.push(face);
  return kept;
}

/** Whether a face still looks as it did: where it is now, or, should only the mesh have moved, where it was. */
function isAlike(
  picture: Picture,
  { looks: now }: Omit<Followed, 'id'>,
  { looks: before }: Followed,
): boolean {
  if (now === undefined || before === undefined) return true;
  if (likeness(now.look, before.look) > SAME_LOOK) return true;
  const there = faceLook(picture, before.area);
  return there !== undefined && likeness(there, before.look) > SAME_LOOK;
}

function isSameFace(a: CropArea, b: CropArea): boolean {
  return distance(a, b) < SAME_FACE * Math.max(faceSize(a), faceSize(b));
}

function distance(a: CropArea, b: CropArea): number {
  return Math.hypot(a.centreX - b.centreX, a.centreY - b.centreY);
}

/** The square has a margin around the face. */
function faceSize(area: CropArea): number {
  return area.sizePx / FACE_MARGIN;
}

function lumaOf({ widthPx, heightPx, bytes }: Picture) {
  return { width: widthPx, height: heightPx, strideBytes: widthPx, data: bytes };
}
