import { mulberry32 } from '../clips/clip-plan.ts';

const RATE_HZ = 48_000;
const TABLE_SAMPLES = 2048;

/** Synthesised music in three manners: no recorded music is at hand. */
export const MUSIC_STYLES = ['song', 'electronic', 'strings'] as const;
export type MusicStyle = (typeof MUSIC_STYLES)[number];

interface StylePlan {
  readonly beatsPerMinute: number;
  readonly drums: boolean;
  /** Amplitude of the n-th partial. */
  readonly chordPartials: (n: number) => number;
  readonly chordGain: number;
  readonly melodyGain: number;
  readonly bassGain: number;
  /** How long a chord's notes take to rise, s. */
  readonly attackS: number;
}

const PLANS: Readonly<Record<MusicStyle, StylePlan>> = {
  song: {
    beatsPerMinute: 104,
    drums: true,
    chordPartials: (n) => 1 / n ** 1.6,
    chordGain: 0.16,
    melodyGain: 0.3,
    bassGain: 0.4,
    attackS: 0.01,
  },
  electronic: {
    beatsPerMinute: 128,
    drums: true,
    chordPartials: (n) => 1 / n,
    chordGain: 0.12,
    melodyGain: 0.22,
    bassGain: 0.45,
    attackS: 0.005,
  },
  strings: {
    beatsPerMinute: 66,
    drums: false,
    chordPartials: (n) => 1 / n ** 1.2,
    chordGain: 0.22,
    melodyGain: 0.35,
    bassGain: 0.25,
    attackS: 0.25,
  },
};

/** Chords as semitones above C: I–V–vi–IV and two of its relatives. */
const PROGRESSIONS = [
  [
    [0, 4, 7],
    [7, 11, 14],
    [9, 12, 16],
    [5, 9, 12],
  ],
  [
    [9, 12, 16],
    [5, 9, 12],
    [0, 4, 7],
    [7, 11, 14],
  ],
  [
    [0, 3, 7],
    [8, 12, 15],
    [5, 8, 12],
    [7, 11, 14],
  ],
] as const;

/**
 * A piece of music: chords, a bass, drums and a melody with vibrato. The same options give the same samples.
 *
 * @returns 48 kHz mono, RMS 1
 */
export function makeMusic(options: { style: MusicStyle; seconds: number; seed: number }): Float32Array {
  const { style, seconds, seed } = options;
  const plan = PLANS[style];
  const random = mulberry32(seed);
  const out = new Float32Array(Math.round(seconds * RATE_HZ));
  const beatS = 60 / plan.beatsPerMinute;
  const rootHz = 110 * 2 ** (Math.floor(random() * 12) / 12);
  const progression = PROGRESSIONS[Math.floor(random() * PROGRESSIONS.length)]!;
  const hz = (semitones: number) => rootHz * 2 ** (semitones / 12);
  const chordTable = waveTable(plan.chordPartials);
  const melodyTable = waveTable((n) => 1 / n ** 1.4);
  const bassTable = waveTable((n) => 1 / n ** 1.8);

  for (let bar = 0; bar * 4 * beatS < seconds; bar += 1) {
    const atS = bar * 4 * beatS;
    const chord = progression[bar % progression.length]!;
    for (const tone of chord) {
      addNote(out, {
        table: chordTable,
        atS,
        lengthS: 4 * beatS,
        hz: hz(tone + 12),
        gain: plan.chordGain,
        attackS: plan.attackS,
        detune: 0.002 * (random() - 0.5),
      });
    }
    for (let beat = 0; beat < 4; beat += 1) {
      const beatAtS = atS + beat * beatS;
      addNote(out, {
        table: bassTable,
        atS: beatAtS,
        lengthS: beatS * 0.9,
        hz: hz(chord[0] - (random() < 0.3 ? 5 : 12)),
        gain: plan.bassGain,
        attackS: 0.008,
      });
      if (plan.drums) {
        if (style === 'electronic' || beat % 2 === 0) addKick(out, beatAtS);
        if (beat % 2 === 1) addNoise(out, { atS: beatAtS, lengthS: 0.18, gain: 0.35, dark: 0.5, random });
        for (const half of [0, 0.5])
          addNoise(out, { atS: beatAtS + half * beatS, lengthS: 0.05, gain: 0.18, dark: 0, random });
      }
      if (random() < 0.8) {
        const tone = chord[Math.floor(random() * chord.length)]! + 24 + (random() < 0.25 ? 2 : 0);
        addNote(out, {
          table: melodyTable,
          atS: beatAtS,
          lengthS: beatS * (random() < 0.4 ? 2 : 0.9),
          hz: hz(tone),
          gain: plan.melodyGain,
          attackS: 0.03,
          vibrato: 0.006,
        });
      }
    }
  }
  return toUnitRms(out);
}

/** Puts music under sound, so many dB below its level of the surrounding 5 s. @param musicDb e.g. −6 */
export function underlay(sound: Float32Array, music: Float32Array, musicDb: number): Float32Array {
  const gain = 10 ** (musicDb / 20);
  const level = localRms(sound, 5);
  return sound.map((sample, i) => sample + gain * level[i]! * music[i % music.length]!);
}

/** RMS of the `seconds` around each sample, at the ends of what there is of them. */
export function localRms(sound: Float32Array, seconds: number): Float32Array {
  const half = Math.round((seconds * RATE_HZ) / 2);
  const out = new Float32Array(sound.length);
  let sum = 0;
  for (let i = 0; i < Math.min(half, sound.length); i += 1) sum += sound[i]! ** 2;
  for (let i = 0; i < sound.length; i += 1) {
    if (i + half < sound.length) sum += sound[i + half]! ** 2;
    if (i - half - 1 >= 0) sum -= sound[i - half - 1]! ** 2;
    const count = Math.min(sound.length - 1, i + half) - Math.max(0, i - half) + 1;
    out[i] = Math.sqrt(Math.max(0, sum) / count);
  }
  return out;
}

/** One period, of 24 partials. */
function waveTable(amplitude: (n: number) => number): Float32Array {
  const table = new Float32Array(TABLE_SAMPLES + 1);
  for (let n = 1; n <= 24; n += 1) {
    const a = amplitude(n);
    for (let i = 0; i <= TABLE_SAMPLES; i += 1)
      table[i] = table[i]! + a * Math.sin((2 * Math.PI * n * i) / TABLE_SAMPLES);
  }
  return table;
}

interface Note {
  readonly table: Float32Array;
  readonly atS: number;
  readonly lengthS: number;
  readonly hz: number;
  readonly gain: number;
  readonly attackS: number;
  /** Relative. */
  readonly detune?: number;
  /** Depth of a vibrato of 5.5 Hz, relative. */
  readonly vibrato?: number;
}

function addNote(out: Float32Array, note: Note): void {
  const { table, gain, attackS, detune = 0, vibrato = 0 } = note;
  const from = Math.round(note.atS * RATE_HZ);
  const count = Math.min(Math.round(note.lengthS * RATE_HZ), out.length - from);
  const step = (note.hz * (1 + detune) * TABLE_SAMPLES) / RATE_HZ;
  const releaseSamples = Math.min(count, RATE_HZ * 0.03);
  let phase = 0;
  for (let i = 0; i < count; i += 1) {
    const timeS = i / RATE_HZ;
    const whole = Math.floor(phase);
    const value = table[whole]! + (phase - whole) * (table[whole + 1]! - table[whole]!);
    const rise = Math.min(1, timeS / attackS);
    const fall = Math.min(1, (count - i) / releaseSamples);
    out[from + i] = out[from + i]! + gain * rise * fall * Math.exp(-timeS * 0.7) * value;
    phase += step * (vibrato > 0 ? 1 + vibrato * Math.sin(2 * Math.PI * 5.5 * timeS) : 1);
    while (phase >= TABLE_SAMPLES) phase -= TABLE_SAMPLES;
  }
}

/** A sine that falls from 120 to 45 Hz. */
function addKick(out: Float32Array, atS: number): void {
  const from = Math.round(atS * RATE_HZ);
  const count = Math.min(Math.round(0.25 * RATE_HZ), out.length - from);
  let phase = 0;
  for (let i = 0; i < count; i += 1) {
    const timeS = i / RATE_HZ;
    phase += (2 * Math.PI * (45 + 75 * Math.exp(-timeS * 30))) / RATE_HZ;
    out[from + i] = out[from + i]! + 0.8 * Math.exp(-timeS * 12) * Math.sin(phase);
  }
}

/** A burst of noise: a snare where it is dark, a hi-hat where it is bright. */
function addNoise(
  out: Float32Array,
  burst: { atS: number; lengthS: number; gain: number; dark: number; random: () => number },
): void {
  const { gain, dark, random } = burst;
  const from = Math.round(burst.atS * RATE_HZ);
  const count = Math.min(Math.round(burst.lengthS * RATE_HZ), out.length - from);
  let last = 0;
  let low = 0;
  for (let i = 0; i < count; i += 1) {
    const white = 2 * random() - 1;
    low += 0.4 * (white - low);
    const bright = white - last;
    last = white;
    const value = dark * 2 * low + (1 - dark) * 0.7 * bright;
    out[from + i] = out[from + i]! + gain * Math.exp((-6 * i) / count) * value;
  }
}

function toUnitRms(pcm: Float32Array): Float32Array {
  let sum = 0;
  for (const sample of pcm) sum += sample * sample;
  const gain = 1 / Math.sqrt(sum / pcm.length);
  return pcm.map((sample) => sample * gain);
}
