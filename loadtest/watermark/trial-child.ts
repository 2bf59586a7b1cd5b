import { SpectrumAnalyser } from '../../pipeline/mark/audio/compressed-spectra.ts';
import { AudioMarkDetector } from '../../pipeline/mark/audio/detector.ts';
import { AudioMarkLayout } from '../../pipeline/mark/audio/layout.ts';
import { Trials } from '../../pipeline/mark/audio/payload-reader.ts';
import { WindowSearch } from '../../pipeline/mark/audio/window-search.ts';
import type { TrialReply, TrialRequest, TrialResult, TrialSetup } from './trial-messages.ts';

/** Entry of the processes that trial-pool.ts starts: looks for marks in clips, one after another. */
interface Detectors {
  readonly setup: TrialSetup;
  readonly detector: AudioMarkDetector;
  readonly layouts: readonly AudioMarkLayout[];
}

const detectors = new Map<string, Promise<Detectors>>();
const analyser = await SpectrumAnalyser.create();

async function make(setup: TrialSetup): Promise<Detectors> {
  const { keys, candidates } = setup;
  return {
    setup,
    detector: await AudioMarkDetector.create({ keys, candidates }),
    layouts: await Promise.all(keys.map((key) => AudioMarkLayout.create(key))),
  };
}

async function detect({
  setup: name,
  clip,
  withScores,
}: TrialRequest & { kind: 'detect' }): Promise<TrialResult> {
  const { setup, detector, layouts } = await detectors.get(name)!;
  const before = performance.now();
  const detection = await detector.detect(clip);
  const ms = performance.now() - before;
  if (!withScores) return { detection, syncScores: [], syncThreshold: Number.NaN, ms };
  const { presence } = new WindowSearch({ layouts }).search(analyser.analyse(clip), 0, {
    trials: new Trials(),
  });
  return {
    detection,
    syncScores: setup.keys.map(({ keyId }) => presence.get(keyId)?.score ?? 0),
    syncThreshold: presence.values().next().value?.threshold ?? Number.NaN,
    ms,
  };
}

function send(reply: TrialReply): void {
  process.send?.(reply);
}

process.on('message', (request: TrialRequest) => {
  if (request.kind === 'setup') {
    detectors.set(request.setup.name, make(request.setup));
    return;
  }
  detect(request).then(
    (result) => send({ kind: 'result', id: request.id, result }),
    (error: unknown) => send({ kind: 'failed', id: request.id, message: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
send({ kind: 'ready' });
