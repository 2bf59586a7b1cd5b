import type { CropArea } from '../../../pipeline/face/affine-crop.ts';

/** A face as BlazeFace finds it, px of the picture. */
export interface FoundFace {
  /** 0…1. */
  readonly score: number;
  readonly centreX: number;
  readonly centreY: number;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Which way the line from the person's right eye to the left one points. */
  readonly angleRad: number;
}

/** What the network answers: grids of 16 × 16 cells with 2 guesses each, and of 8 × 8 with 6. */
export interface BlazeFaceOutput {
  readonly coarseScores: Float32Array;
  readonly fineScores: Float32Array;
  readonly coarseBoxes: Float32Array;
  readonly fineBoxes: Float32Array;
}

/** Side of the picture that BlazeFace takes (the model for the whole range of distances). */
export const BLAZE_FACE_SIZE = 256;
const GRIDS = [
  { cells: 16, guesses: 2, scores: 'coarseScores', boxes: 'coarseBoxes' },
  { cells: 8, guesses: 6, scores: 'fineScores', boxes: 'fineBoxes' },
] as const;
/** A box and six places: eyes, nose, mouth, ears. */
const VALUES = 16;
/** Two boxes that share so much of their area are one face. */
const SAME_FACE = 0.3;

/**
 * Reads what BlazeFace says (Bazarevsky et al., "BlazeFace: Sub-millisecond neural face detection on mobile GPUs", 2019).
 * Guesses for the same face are averaged, weighted by score, as the paper proposes.
 *
 * @param area of the picture that the network saw
 * @returns best first
 */
export function readFaces(output: BlazeFaceOutput, area: CropArea, minScore: number): FoundFace[] {
  const guesses = readGuesses(output, area, minScore).sort((a, b) => b.score - a.score);
  const faces: FoundFace[] = [];
  while (guesses.length > 0) {
    const best = guesses[0]!;
    const same = guesses.filter((guess) => overlap(best, guess) > SAME_FACE);
    const rest = guesses.filter((guess) => overlap(best, guess) <= SAME_FACE);
    guesses.splice(0, guesses.length, ...rest);
    const total = same.reduce((sum, { score }) => sum + score, 0);
    const mean = (value: (guess: Guess) => number) =>
      same.reduce((sum, guess) => sum + guess.score * value(guess), 0) / total;
    faces.push({
      score: best.score,
      centreX: mean((guess) => guess.centreX),
      centreY: mean((guess) => guess.centreY),
      widthPx: mean((guess) => guess.widthPx),
      heightPx: mean((guess) => guess.heightPx),
      angleRad: Math.atan2(
        mean((guess) => guess.eyesY),
        mean((guess) => guess.eyesX),
      ),
    });
  }
  return faces;
}

interface Guess extends Omit<FoundFace, 'angleRad'> {
  /** From the person's right eye to the left one. */
  readonly eyesX: number;
  readonly eyesY: number;
}

function readGuesses(output: BlazeFaceOutput, area: CropArea, minScore: number): Guess[] {
  const scale = area.sizePx / BLAZE_FACE_SIZE;
  // From the network's coordinates, edges at whole numbers, to the picture's, pixel centres at whole numbers.
  const [left, top] = [area.centreX - area.sizePx / 2, area.centreY - area.sizePx / 2];
  // ln(s / (1 − s)): most guesses are dismissed without computing their score.
  const minLogit = Math.log(minScore / (1 - minScore));
  const found: Guess[] = [];
  for (const { cells, guesses, scores, boxes } of GRIDS) {
    const [logits, values] = [output[scores], output[boxes]];
    const cellPx = BLAZE_FACE_SIZE / cells;
    for (let i = 0; i < logits.length; i += 1) {
      if (logits[i]! < minLogit) continue;
      const cell = Math.floor(i / guesses);
      const x = ((cell % cells) + 0.5) * cellPx;
      const y = (Math.floor(cell / cells) + 0.5) * cellPx;
      const at = i * VALUES;
      found.push({
        score: 1 / (1 + Math.exp(-logits[i]!)),
        centreX: left + (x + values[at]!) * scale,
        centreY: top + (y + values[at + 1]!) * scale,
        widthPx: values[at + 2]! * scale,
        heightPx: values[at + 3]! * scale,
        eyesX: (values[at + 6]! - values[at + 4]!) * scale,
        eyesY: (values[at + 7]! - values[at + 5]!) * scale,
      });
    }
  }
  return found;
}

/** Shared area over the area of both together. */
function overlap(a: Guess, b: Guess): number {
  const shared = (ca: number, cb: number, sa: number, sb: number) =>
    Math.max(0, Math.min(ca + sa / 2, cb + sb / 2) - Math.max(ca - sa / 2, cb - sb / 2));
  const both =
    shared(a.centreX, b.centreX, a.widthPx, b.widthPx) * shared(a.centreY, b.centreY, a.heightPx, b.heightPx);
  return both / (a.widthPx * a.heightPx + b.widthPx * b.heightPx - both);
}
