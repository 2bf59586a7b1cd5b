import { join } from 'node:path';
import { z } from 'zod';
import { MarkRegistryFile } from '../../db/mark-registry-file.ts';
import type { OutputMark } from '../../pipeline/dub-channel.ts';
import type { MarkKey } from '../../pipeline/mark/mark-key.ts';
import type { MarkRegistry, MarkRequest } from '../../pipeline/ports/mark-registry.ts';
import { check } from '../problem.ts';
import { MarkKeys, type MarkKeysOptions } from './mark-keys.ts';

/** What an output is, without who marks it. */
export type MarkOrder = Omit<MarkRequest, 'keyId' | 'issuer'>;

export type MarkStrength = NonNullable<OutputMark['strength']>;

export interface MarkerOptions {
  /** Marks what is dubbed from now on. */
  key: MarkKey;
  registry: MarkRegistry;
  /** Default: `discreet`. */
  strength?: MarkStrength;
}

const EnvironmentSchema = z.object({
  LIVEDUB_MARK_STRENGTH: z.enum(['discreet', 'firm']).default('discreet'),
});

/** Gives every output of a dub a mark of its own, and notes for what: before anything of it sounds. */
export class Marker {
  readonly key: MarkKey;
  readonly strength: MarkStrength;
  readonly #registry: MarkRegistry;

  constructor(options: MarkerOptions) {
    this.key = options.key;
    this.strength = options.strength ?? 'discreet';
    this.#registry = options.registry;
  }

  /**
   * With the newest key and the registry of a data folder.
   * @throws LivedubError LIVEDUB_E_MARK_KEY, LIVEDUB_E_OUTPUT_NOT_WRITABLE, LIVEDUB_E_INPUT_UNREADABLE, LIVEDUB_E_BAD_REQUEST
   */
  static async open(options: MarkKeysOptions): Promise<Marker> {
    const keys = await MarkKeys.open(options);
    const registry = await MarkRegistryFile.open({ folder: join(options.dataDir, 'marks') });
    return new Marker({ key: keys.current, registry, strength: markStrength(options.env) });
  }

  /** @throws LivedubError LIVEDUB_E_OUTPUT_DISK_FULL, LIVEDUB_E_OUTPUT_NOT_WRITABLE: then nothing may be marked, or sound */
  async issue(order: MarkOrder): Promise<OutputMark> {
    const { keyId, issuer } = this.key;
    const { rendition } = await this.#registry.issue({ ...order, keyId, issuer });
    return { key: this.key, rendition, strength: this.strength };
  }

  /**
   * Notes until where outputs went, so that a search among them is as narrow as can be.
   * @param endUs media time; negative or −∞: nothing came
   */
  async end(renditions: Iterable<number>, endUs: number): Promise<void> {
    const minutes = minutesUntil(endUs);
    for (const rendition of renditions) await this.#registry.end(rendition, minutes);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#registry.close();
  }
}

/** LIVEDUB_MARK_STRENGTH. @throws LivedubError LIVEDUB_E_BAD_REQUEST */
export function markStrength(env: MarkKeysOptions['env'] = process.env): MarkStrength {
  return check(EnvironmentSchema, env, 'environment').LIVEDUB_MARK_STRENGTH;
}

/** A rendition's number as people read it: 9 hexadecimal digits. */
export function renditionName(rendition: number): string {
  return rendition.toString(16).padStart(9, '0');
}

/** How many minutes were begun by a media time. */
function minutesUntil(endUs: number): number {
  return Math.max(0, Math.ceil(endUs / 60_000_000));
}
