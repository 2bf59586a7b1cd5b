import { DETECT_RATE_HZ, SpectrumAnalyser } from '../../pipeline/mark/audio/compressed-spectra.ts';
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
  const { keys, candidates } = setup;
  const before = performance.now();
  if (!withScores) {
    const detection = await detector.detect(clip);
    return { detection, syncScores: [], syncThreshold: Number.NaN, ms: performance.now() - before };
  }
  // What the detector does with a clip of one window, with what it keeps to itself.
  const search = new WindowSearch({ layouts, candidates });
  const { findings, presence } = search.search(analyser.analyse(clip), 0, { trials: new Trials() });
  const all = [...presence].map(([keyId, of]) => ({ keyId, ...of }));
  return {
    detection: {
      findings,
      presence: all.find(({ score, threshold }) => score >= threshold),
      examinedS: clip.length / DETECT_RATE_HZ,
    },
    syncScores: keys.map(({ keyId }) => presence.get(keyId)?.score ?? 0),
    syncThreshold: all[0]?.threshold ?? Number.NaN,
    ms: performance.now() - before,
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
