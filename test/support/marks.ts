import { join } from 'node:path';
import { MarkRegistryFile } from '../../db/mark-registry-file.ts';
import { AudioMarkDetector } from '../../pipeline/mark/audio/detector.ts';
import type { MarkFinding } from '../../pipeline/mark/finding.ts';
import type { IssuedMark, MarkRegistry } from '../../pipeline/ports/mark-registry.ts';
import { MarkKeys } from '../../server/marks/mark-keys.ts';

export interface NamedMark {
  /** As people read it: `mix es synced`, or that nobody issued it. */
  readonly track: string;
  readonly issued: IssuedMark | undefined;
  readonly finding: MarkFinding;
}

/** Finds out, with the keys and the registry of a data folder, what sound comes from. */
export class MarkReader {
  /** Of the key that marks. */
  readonly keyId: number;
  readonly registry: MarkRegistry;
  readonly #detector: AudioMarkDetector;

  private constructor(keyId: number, registry: MarkRegistry, detector: AudioMarkDetector) {
    this.keyId = keyId;
    this.registry = registry;
    this.#detector = detector;
  }

  static async open(dataDir: string): Promise<MarkReader> {
    const { current, all } = await MarkKeys.open({ dataDir });
    const registry = await MarkRegistryFile.open({ folder: join(dataDir, 'marks') });
    return new MarkReader(current.keyId, registry, await AudioMarkDetector.create({ keys: all }));
  }

  /** @param pcm 16 kHz mono */
  async read(pcm: Float32Array): Promise<NamedMark[]> {
    const { findings } = await this.#detector.detect(pcm);
    return await Promise.all(
      findings.map(async (finding) => {
        const { keyId, rendition } = finding.payload;
        const issued = await this.registry.find(keyId, rendition);
        const track = issued ? `${issued.kind} ${issued.language} ${issued.mode}` : 'not issued here';
        return { track, issued, finding };
      }),
    );
  }

  /** The tracks that the sound names, each once. */
  async tracksIn(pcm: Float32Array): Promise<string[]> {
    return [...new Set((await this.read(pcm)).map(({ track }) => track))];
  }
}
