import type { EngineInfo } from '../../pipeline/ports/engine.ts';
import type { DubReport } from '../../server/dub/report.ts';

/** Every engine that took part in some dubs, with its version and licence. */
export function engineVersions(reports: readonly DubReport[]): EngineInfo[] {
  const engines = new Map<string, EngineInfo>();
  for (const { clauses } of reports) {
    for (const { recogniser, dubs } of clauses) {
      for (const engine of [recogniser, ...dubs.flatMap((dub) => [dub.translator, dub.synthesiser])]) {
        if (engine) engines.set(engine.id, engine);
      }
    }
  }
  return [...engines.values()].sort((a, b) => a.id.localeCompare(b.id));
}
