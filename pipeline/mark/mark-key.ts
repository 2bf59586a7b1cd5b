/** Key of one issuer, derived from a secret that nobody else has. Never log it. */
export interface MarkKey {
  /** 0…255; part of every payload made with it. */
  readonly keyId: number;
  /** Who marks with it, as people read it. */
  readonly issuer: string;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

const TEXT = new TextEncoder();

/** Derives the key of an issuer from a secret of at least 32 bytes: HKDF with SHA-256 (RFC 5869). */
export async function deriveMarkKey(options: { master: Uint8Array; issuer: string }): Promise<MarkKey> {
  const { master, issuer } = options;
  const base = await crypto.subtle.importKey('raw', bytes(master), 'HKDF', false, ['deriveBits']);
  const derived = await crypto.subtle.deriveBits(
    {
      name: 'HKDF',
      hash: 'SHA-256',
      salt: TEXT.encode('livedub mark 1'),
      info: TEXT.encode(issuer),
    },
    base,
    8 * 33,
  );
  const all = new Uint8Array(derived);
  return { keyId: all[32]!, issuer, secret: all.slice(0, 32) };
}

/**
 * Seed of everything that is drawn from a key for one purpose, e.g. `audio/layout`: 4 words of HMAC-SHA-256, for a generator
 * of 128 bits state.
 */
export async function markSeed(key: MarkKey, purpose: string): Promise<Uint32Array> {
  const hmac = await crypto.subtle.importKey(
    'raw',
    bytes(key.secret),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  );
  const signed = new DataView(await crypto.subtle.sign('HMAC', hmac, TEXT.encode(purpose)));
  return Uint32Array.from({ length: 4 }, (_, i) => signed.getUint32(4 * i));
}

/** WebCrypto takes no views of shared memory, and the type says so. */
function bytes(view: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view);
}
