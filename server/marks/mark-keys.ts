import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LivedubError } from '../../pipeline/errors.ts';
import { deriveMarkKey, type MarkKey } from '../../pipeline/mark/mark-key.ts';
import { KeyFile, type StoredSecret } from './key-file.ts';

export interface MarkKeysOptions {
  /** Folder that holds `marks/keys.json`; made at first use unless the environment has the keys. */
  dataDir: string;
  /** LIVEDUB_MARK_KEY, LIVEDUB_MARK_KEY_FILE, LIVEDUB_ISSUER. Default: the process's environment. */
  env?: Readonly<Record<string, string | undefined>>;
  /** One line for the operator, e.g. that others can read the keys. Default: nothing. */
  onNotice?: (line: string) => void;
}

const MIN_SECRET_BYTES = 32;
const DEFAULT_ISSUER = 'livedub';
/** A key's id is 8 bits and must be its own within the ring. */
const MAX_KEYS = 64;

/**
 * The keys that marks are made and found with. The newest one marks; the older ones only find what was marked before. Secrets
 * come from LIVEDUB_MARK_KEY (base64, several separated by commas, newest first, each `issuer:secret` where the issuer changed),
 * from the file that LIVEDUB_MARK_KEY_FILE names (the same text), or else from the data folder.
 */
export class MarkKeys {
  /** The key that marks. */
  readonly current: MarkKey;
  /** All of them, newest first. */
  readonly all: readonly MarkKey[];
  readonly #file: KeyFile | undefined;
  readonly #issuer: string;

  private constructor(all: readonly MarkKey[], issuer: string, file: KeyFile | undefined) {
    this.current = all[0]!;
    this.all = all;
    this.#issuer = issuer;
    this.#file = file;
  }

  /** @throws LivedubError LIVEDUB_E_MARK_KEY, LIVEDUB_E_OUTPUT_NOT_WRITABLE */
  static async open(options: MarkKeysOptions): Promise<MarkKeys> {
    const { dataDir, env = process.env, onNotice } = options;
    const issuer = env.LIVEDUB_ISSUER?.trim() || DEFAULT_ISSUER;
    const text = env.LIVEDUB_MARK_KEY?.trim() || undefined;
    const path = env.LIVEDUB_MARK_KEY_FILE?.trim() || undefined;
    if (text !== undefined) return new MarkKeys(await derive(parseSecrets(text, issuer)), issuer, undefined);
    if (path !== undefined) {
      const fromFile = parseSecrets(await readKeyText(path), issuer);
      await warnIfShared(path, onNotice);
      return new MarkKeys(await derive(fromFile), issuer, undefined);
    }
    const file = new KeyFile(join(dataDir, 'marks', 'keys.json'));
    const keys = await derive(await file.readOrMake(() => newSecret(issuer)));
    await warnIfShared(file.path, onNotice);
    if (keys[0]!.issuer !== issuer) {
      onNotice?.(
        `marks still name the issuer ${keys[0]!.issuer}: \`livedub keys rotate\` makes a key for ${issuer}.`,
      );
    }
    return new MarkKeys(keys, issuer, file);
  }

  /**
   * Puts a new key in front, for whoever opens the ring from now on; the old ones stay to find what they marked.
   * @returns the ring as it is then
   * @throws LivedubError LIVEDUB_E_MARK_KEY when the environment has the keys, LIVEDUB_E_CONFLICT, LIVEDUB_E_OUTPUT_NOT_WRITABLE
   */
  async rotate(): Promise<MarkKeys> {
    if (this.#file === undefined) {
      throw keyError('The keys of marks come from the environment.', 'Put a new key in front of the others.');
    }
    const stored = await this.#file.update(async (before) => {
      if (before.length >= MAX_KEYS) {
        throw keyError(`There are ${MAX_KEYS} keys of marks already.`, 'Take the oldest out of keys.json.');
      }
      const ids = new Set((await derive(before)).map(({ keyId }) => keyId));
      for (;;) {
        const drawn = newSecret(this.#issuer);
        const { keyId } = await deriveMarkKey({ master: drawn.secret, issuer: drawn.issuer });
        if (!ids.has(keyId)) return [drawn, ...before];
      }
    });
    return new MarkKeys(await derive(stored), this.#issuer, this.#file);
  }
}

function newSecret(issuer: string): StoredSecret {
  return { issuer, secret: new Uint8Array(randomBytes(MIN_SECRET_BYTES)), madeAt: new Date().toISOString() };
}

/** @throws LivedubError LIVEDUB_E_MARK_KEY for none, too many, or two with one id */
async function derive(secrets: readonly StoredSecret[]): Promise<MarkKey[]> {
  if (secrets.length === 0) throw keyError('There is no key of marks.');
  if (secrets.length > MAX_KEYS) throw keyError(`There are more than ${MAX_KEYS} keys of marks.`);
  const keys = await Promise.all(
    secrets.map(({ secret, issuer }) => deriveMarkKey({ master: secret, issuer })),
  );
  const places = new Map<number, number>();
  keys.forEach(({ keyId }, place) => {
    const other = places.get(keyId);
    if (other !== undefined) {
      throw keyError(
        `Keys ${other + 1} and ${place + 1} of marks have the same id.`,
        'Replace the newer of the two by another random one.',
      );
    }
    places.set(keyId, place);
  });
  return keys;
}

/** Says what is wrong with which key, never a part of it. */
function parseSecrets(text: string, defaultIssuer: string): StoredSecret[] {
  const items = text.split(/[,\r\n]/).map((item) => item.trim());
  const given = items.filter((item) => item !== '');
  return given.map((item, place) => {
    const split = item.lastIndexOf(':');
    const base64 = item.slice(split + 1).trim();
    const secret = Buffer.from(base64, 'base64');
    if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(base64) || secret.length < MIN_SECRET_BYTES) {
      throw keyError(`Key ${place + 1} of marks is not base64 of ${MIN_SECRET_BYTES} bytes or more.`);
    }
    return {
      issuer: (split > 0 && item.slice(0, split).trim()) || defaultIssuer,
      secret: new Uint8Array(secret),
    };
  });
}

async function readKeyText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new LivedubError('LIVEDUB_E_MARK_KEY', `The key file ${path} cannot be read.`, { cause });
  }
}

async function warnIfShared(path: string, onNotice: MarkKeysOptions['onNotice']): Promise<void> {
  if (process.platform === 'win32' || onNotice === undefined) return;
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) onNotice(`others can read the keys of marks: chmod 600 ${path}`);
}

function keyError(message: string, remedy?: string): LivedubError {
  return new LivedubError('LIVEDUB_E_MARK_KEY', message, remedy === undefined ? {} : { remedy });
}
