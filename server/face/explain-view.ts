import type { PlacedPhoneme, SpeechUpdate } from '../../pipeline/face/dubbed-speech.ts';
import { MouthTrack } from '../../pipeline/face/mouth-track.ts';
import type { Picture, PictureFormat } from '../../pipeline/face/picture.ts';
import {
  FACE_TRIANGLES,
  LOWER_INNER_LIP,
  LOWER_OUTER_LIP,
  UPPER_INNER_LIP,
  UPPER_OUTER_LIP,
} from '../../pipeline/face/topology.ts';
import type { TrackedPicture } from '../../pipeline/ports/face-tracker.ts';
import type { FaceVerdict } from '../../pipeline/ports/reanimator.ts';
import { type Box, Drawing, type Ink } from './drawing.ts';
import { phonemeLabel } from './phoneme-label.ts';
import { GLYPH_HEIGHT_PX, GLYPH_WIDTH_PX } from './tiny-font.ts';

export interface ExplainedPicture {
  readonly id: string;
  readonly picture: Picture;
  /** The result, before it is marked. */
  readonly bytes: Uint8Array;
  readonly verdict: FaceVerdict;
  readonly tracked: TrackedPicture | undefined;
}

interface Voice {
  readonly track: MouthTrack;
  phonemes: PlacedPhoneme[];
}

const WHITE: Ink = [235, 128, 128];
const GREY: Ink = [90, 128, 128];
const DARK: Ink = [32, 128, 128];
const GREEN: Ink = [150, 60, 60];
const YELLOW: Ink = [210, 30, 150];
const RED: Ink = [100, 100, 220];
const BLUE: Ink = [130, 190, 80];

const MAX_PANEL_WIDTH_PX = 960;
const MIN_PANEL_WIDTH_PX = 320;
/** How much of the past and of the future the curves show, µs. */
const SPAN_US = 1_000_000;
const KEPT_US = 3_000_000;
const LIPS = [UPPER_OUTER_LIP, LOWER_OUTER_LIP, UPPER_INNER_LIP, LOWER_INNER_LIP];

/** What pictures of a size are explained in. */
export function explainedFormat({ widthPx, heightPx, colour }: PictureFormat): PictureFormat {
  const panelWidthPx =
    2 * Math.round(Math.min(MAX_PANEL_WIDTH_PX, Math.max(MIN_PANEL_WIDTH_PX, widthPx)) / 2);
  const panelHeightPx = 2 * Math.max(1, Math.round((panelWidthPx * heightPx) / widthPx / 2));
  return { widthPx: 2 * panelWidthPx, heightPx: 2 * panelHeightPx, colour };
}

/** Shows side by side what is made of a picture and why: as filmed, with the mesh, what the lips are to do, the result. */
export class ExplainView {
  /** Of what is drawn: two by two panels. */
  readonly format: PictureFormat;
  readonly #panelWidthPx: number;
  readonly #panelHeightPx: number;
  readonly #scale: number;
  readonly #voices = new Map<string, Voice>();

  constructor(filmed: PictureFormat) {
    this.format = explainedFormat(filmed);
    this.#panelWidthPx = this.format.widthPx / 2;
    this.#panelHeightPx = this.format.heightPx / 2;
    this.#scale = this.#panelWidthPx >= 640 ? 2 : 1;
  }

  speech(id: string, update: SpeechUpdate): void {
    const voice = this.#voice(id);
    voice.track.add(update);
    if (update.kind === 'utterance') voice.phonemes.push(...update.phonemes);
  }

  /** @returns a picture of `format` */
  draw({ id, picture, bytes, verdict, tracked }: ExplainedPicture): Uint8Array {
    const { mediaTimeUs } = picture;
    const drawing = new Drawing(this.format);
    const [original, mesh, visemes, result] = this.#panels();
    drawing.picture(picture, picture.bytes, original!);
    drawing.picture(picture, picture.bytes, mesh!);
    drawing.picture(picture, bytes, result!);
    this.#drawMesh(drawing, mesh!, picture, tracked);
    this.#drawVisemes(drawing, visemes!, { id, mediaTimeUs, verdict });
    const faces = tracked?.faces.length ?? 0;
    const isCut = tracked?.isCut ? ' CUT' : '';
    this.#label(drawing, original!, `ORIGINAL ${(mediaTimeUs / 1e6).toFixed(2)} S`);
    this.#label(drawing, mesh!, `MESH ${faces} ${faces === 1 ? 'FACE' : 'FACES'}${isCut}`);
    this.#label(drawing, visemes!, `VISEMES ${id}`);
    this.#label(drawing, result!, `RESULT ${Math.round(100 * verdict.strength)}% ${verdict.guard ?? ''}`);
    return drawing.bytes;
  }

  #panels(): Box[] {
    const [widthPx, heightPx] = [this.#panelWidthPx, this.#panelHeightPx];
    return [0, 1, 2, 3].map((i) => ({
      ...{ x: (i % 2) * widthPx, y: Math.floor(i / 2) * heightPx },
      ...{ widthPx, heightPx },
    }));
  }

  #label(drawing: Drawing, panel: Box, text: string): void {
    const scale = this.#scale;
    const heightPx = (GLYPH_HEIGHT_PX + 4) * scale;
    drawing.fill({ ...panel, heightPx: Math.min(heightPx, panel.heightPx) }, DARK);
    drawing.text(panel.x + 3 * scale, panel.y + 2 * scale, text, { ink: WHITE, scale });
  }

  #drawMesh(drawing: Drawing, panel: Box, picture: Picture, tracked: TrackedPicture | undefined): void {
    const [sx, sy] = [panel.widthPx / picture.widthPx, panel.heightPx / picture.heightPx];
    for (const { landmarks } of tracked?.faces ?? []) {
      const at = (point: number): [number, number] => [
        panel.x + landmarks[point * 3]! * sx,
        panel.y + landmarks[point * 3 + 1]! * sy,
      ];
      for (const [a, b] of meshEdges()) drawing.line(at(a), at(b), GREEN, panel);
      for (const lip of LIPS)
        for (let i = 0; i + 1 < lip.length; i += 1) drawing.line(at(lip[i]!), at(lip[i + 1]!), YELLOW, panel);
    }
  }

  /** Opening and width over time, now in the middle, with the phonemes below. */
  #drawVisemes(
    drawing: Drawing,
    panel: Box,
    { id, mediaTimeUs, verdict }: { id: string; mediaTimeUs: number; verdict: FaceVerdict },
  ): void {
    const { track, phonemes } = this.#voice(id);
    const scale = this.#scale;
    const rowPx = (GLYPH_HEIGHT_PX + 4) * scale;
    drawing.fill(panel, DARK);
    const plot = { ...panel, y: panel.y + 2 * rowPx, heightPx: Math.max(1, panel.heightPx - 5 * rowPx) };
    const xOf = (us: number) => panel.x + ((us - mediaTimeUs + SPAN_US) / (2 * SPAN_US)) * panel.widthPx;
    const yOf = (share: number) => plot.y + (1 - share) * plot.heightPx;
    for (const share of [0, 0.5, 1])
      drawing.line([plot.x, yOf(share)], [plot.x + plot.widthPx, yOf(share)], GREY, panel);
    let before: { x: number; opening: number; width: number } | undefined;
    for (let x = panel.x; x < panel.x + panel.widthPx; x += 2) {
      const us = mediaTimeUs - SPAN_US + ((x - panel.x) / panel.widthPx) * 2 * SPAN_US;
      const mouth = track.at(us);
      const now = { x, opening: yOf(mouth.opening), width: yOf((mouth.width + 1) / 2) };
      if (before) {
        drawing.line([before.x, before.width], [x, now.width], BLUE, panel);
        drawing.line([before.x, before.opening], [x, now.opening], mouth.presence > 0 ? YELLOW : GREY, panel);
      }
      before = now;
    }
    drawing.line([xOf(mediaTimeUs), plot.y], [xOf(mediaTimeUs), plot.y + plot.heightPx], WHITE, panel);
    if (verdict.mouth) {
      const [x, y] = [Math.round(xOf(mediaTimeUs)), Math.round(yOf(verdict.mouth.opening))];
      drawing.fill({ x: x - 2 * scale, y: y - 2 * scale, widthPx: 4 * scale, heightPx: 4 * scale }, RED);
    }
    const labelY = plot.y + plot.heightPx + 2 * scale;
    for (const [i, { phoneme, startUs }] of phonemes.entries()) {
      if (Math.abs(startUs - mediaTimeUs) > SPAN_US) continue;
      const isNow = startUs <= mediaTimeUs && mediaTimeUs < (phonemes[i + 1]?.startUs ?? startUs);
      // Two rows in turn, so that short phonemes do not cover one another.
      const y = labelY + (i % 2) * rowPx;
      const [x, label] = [Math.round(xOf(startUs)), phonemeLabel(phoneme)];
      if (x + label.length * (GLYPH_WIDTH_PX + 1) * scale > panel.x + panel.widthPx) continue;
      drawing.text(x, y, label, { ink: isNow ? YELLOW : WHITE, scale });
    }
    const { viseme } = track.at(mediaTimeUs);
    const legendY = labelY + 2 * rowPx;
    const next = drawing.text(panel.x + 3 * scale, legendY, `OPENING `, { ink: YELLOW, scale });
    drawing.text(drawing.text(next, legendY, `WIDTH `, { ink: BLUE, scale }), legendY, `NOW ${viseme}`, {
      ink: WHITE,
      scale,
    });
    track.forget(mediaTimeUs - KEPT_US);
    this.#voice(id).phonemes = phonemes.filter(({ startUs }) => startUs > mediaTimeUs - KEPT_US);
  }

  #voice(id: string): Voice {
    const known = this.#voices.get(id);
    if (known) return known;
    const made: Voice = { track: new MouthTrack(), phonemes: [] };
    this.#voices.set(id, made);
    return made;
  }
}

let edges: (readonly [number, number])[] | undefined;

/** Every edge of the mesh once. */
function meshEdges(): readonly (readonly [number, number])[] {
  if (edges) return edges;
  const seen = new Set<number>();
  edges = [];
  for (let i = 0; i < FACE_TRIANGLES.length; i += 3) {
    const triangle = [FACE_TRIANGLES[i]!, FACE_TRIANGLES[i + 1]!, FACE_TRIANGLES[i + 2]!];
    for (const [k, a] of triangle.entries()) {
      const b = triangle[(k + 1) % 3]!;
      const key = Math.min(a, b) * 1000 + Math.max(a, b);
      if (seen.has(key)) continue;
      seen.add(key);
      edges.push([a, b]);
    }
  }
  return edges;
}
