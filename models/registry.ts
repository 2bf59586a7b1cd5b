import { Engines, type LoadEnginesOptions } from './registry/engines.ts';

export type { ChannelPlan, Engines, LoadEnginesOptions, PlannedRendition } from './registry/engines.ts';
export { findInstalled } from './registry/engines.ts';
export {
  describePairs,
  type Installed,
  type PlanRequest,
  type SupportedPair,
  supportedPairs,
} from './registry/plan.ts';

/**
 * Gets the engines of a process ready: what every dub needs is loaded, the rest when a plan asks for it.
 * @throws LIVEDUB_E_MODEL_MISSING
 */
export function loadEngines(options: LoadEnginesOptions = {}): Promise<Engines> {
  return Engines.load(options);
}
