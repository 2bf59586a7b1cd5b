/** The two ways to hear a dub: as soon as it is ready, or on its clause, a fixed delay behind. */
export type Mode = 'interpret' | 'synced';

/** The voice alone, or mixed with the ducked original. */
export type OutputKind = 'voice' | 'mix';

/** Which tracks of one mode somebody wants. */
export interface OutputDemand {
  readonly voice: boolean;
  readonly mix: boolean;
}

/** What is wanted of one language. Nothing else is made. */
export interface LanguageDemand {
  readonly captions: boolean;
  readonly interpret: OutputDemand;
  readonly synced: OutputDemand;
  /** The picture whose lips follow the voice of `synced`. */
  readonly face: boolean;
}

/**
 * What an operator does to one language at once. `mute`: the voice is silent, captions go on; `hold`: the running utterance
 * ends and what is said meanwhile is not made up for; `stop`: no work is done.
 */
export type RenditionControl = 'on' | 'mute' | 'hold' | 'stop';

const NOTHING: OutputDemand = { voice: false, mix: false };

export const NO_DEMAND: LanguageDemand = {
  captions: false,
  interpret: NOTHING,
  synced: NOTHING,
  face: false,
};

/** Demand that keeps exactly these outputs, and the captions, going. */
export function demandFor(
  outputs: Iterable<{ readonly mode: Mode; readonly kind: OutputKind }>,
): LanguageDemand {
  const demand = { captions: true, interpret: { ...NOTHING }, synced: { ...NOTHING }, face: false };
  for (const { mode, kind } of outputs) demand[mode] = { ...demand[mode], [kind]: true };
  return demand;
}
