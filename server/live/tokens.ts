import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { LivedubError } from '../../pipeline/errors.ts';
import { ChannelIdSchema, type TokenScope, TokenScopeSchema } from './contract.ts';

export interface TokensOptions {
  /** Folder that holds the secret, `secret`; made at first use. */
  dataDir: string;
  /** Sign with this instead, 32 characters or more; LIVEDUB_SECRET of the environment. Default: the file. */
  secret?: string | undefined;
}

/** What a token allows, or what a request needs. */
export interface Right {
  readonly scope: TokenScope;
  /** A channel's id, or `*` for all. */
  readonly channel: string;
}

export interface TokenOrder {
  readonly scope: readonly TokenScope[];
  readonly channel: string;
  readonly expiresInSeconds: number;
}

export interface IssuedToken {
  readonly token: string;
  /** RFC 3339. */
  readonly expiresAt: string;
}

const ISSUER = 'livedub';
const ALGORITHM = 'HS256';
const MIN_SECRET_CHARS = 32;
/** Far more than any token of ours is long. */
const MAX_TOKEN_CHARS = 4096;

const ClaimsSchema = z.object({
  scope: z.string().transform((text) => text.split(' ')),
  channel: z.union([ChannelIdSchema, z.literal('*')]),
});

/** Makes and checks the bearer tokens of live channels: JWTs (RFC 7519), signed with one secret of the installation. */
export class Tokens {
  readonly #key: Uint8Array;

  private constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** @throws LivedubError LIVEDUB_E_BAD_REQUEST for a secret that is too short, LIVEDUB_E_OUTPUT_NOT_WRITABLE */
  static async open(options: TokensOptions): Promise<Tokens> {
    const secret = options.secret ?? (await readOrMakeSecret(options.dataDir));
    if (secret.length < MIN_SECRET_CHARS) {
      throw new LivedubError(
        'LIVEDUB_E_BAD_REQUEST',
        `The secret has fewer than ${MIN_SECRET_CHARS} characters.`,
        {
          remedy:
            'Set LIVEDUB_SECRET to a longer one, or remove it (and the file `secret` of the data folder).',
        },
      );
    }
    return new Tokens(new TextEncoder().encode(secret));
  }

  async issue(order: TokenOrder): Promise<IssuedToken> {
    const expires = new Date(Math.ceil(Date.now() / 1000 + order.expiresInSeconds) * 1000);
    const token = await new SignJWT({ scope: order.scope.join(' '), channel: order.channel })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setIssuer(ISSUER)
      .setIssuedAt()
      .setExpirationTime(expires)
      .setJti(randomUUID())
      .sign(this.#key);
    return { token, expiresAt: expires.toISOString() };
  }

  /**
   * Checks a token and that it allows something. `manage` allows everything for its channel.
   * @throws LivedubError LIVEDUB_E_UNAUTHORISED (missing, malformed, expired, not ours), LIVEDUB_E_FORBIDDEN (a good token for
   * something else)
   */
  async verify(token: string, right: Right): Promise<void> {
    const { scope, channel } = await this.#read(token);
    if (channel !== '*' && channel !== right.channel) {
      throw forbidden(
        right.channel === '*' ? 'This token is for one channel only.' : 'This token is for another channel.',
      );
    }
    if (!scope.includes(right.scope) && !scope.includes(TokenScopeSchema.enum.manage)) {
      throw forbidden(`This token lacks the scope ${right.scope}.`);
    }
  }

  async #read(token: string): Promise<z.output<typeof ClaimsSchema>> {
    if (token === '') throw unauthorised('A token is needed.');
    if (token.length > MAX_TOKEN_CHARS) throw unauthorised('This is not a token.');
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, this.#key, {
        issuer: ISSUER,
        algorithms: [ALGORITHM],
        requiredClaims: ['exp', 'iat', 'jti'],
      }));
    } catch (error) {
      throw unauthorised(reasonOf(error));
    }
    const claims = ClaimsSchema.safeParse(payload);
    if (!claims.success) throw unauthorised('This token does not say what it is for.');
    return claims.data;
  }
}

/** Why a token is refused; never the token itself. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'This token has expired.';
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return 'This token was not made by this server.';
  if (error instanceof errors.JWTClaimValidationFailed) return 'This token is not one of livedub.';
  return 'This is not a token.';
}

function unauthorised(message: string): LivedubError {
  return new LivedubError('LIVEDUB_E_UNAUTHORISED', message);
}

function forbidden(message: string): LivedubError {
  return new LivedubError('LIVEDUB_E_FORBIDDEN', message, {
    remedy: 'Use a token with the right scope and channel: `livedub token` makes one.',
  });
}

/** Server and command line may come here at the same time: whoever links the file first has made it. */
async function readOrMakeSecret(dataDir: string): Promise<string> {
  const file = join(dataDir, 'secret');
  const read = () => readFile(file, 'utf8').then((text) => text.trim());
  try {
    return await read().catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      await mkdir(dataDir, { recursive: true });
      const draft = join(dataDir, `.secret-${randomUUID()}`);
      try {
        await writeFile(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
        await link(draft, file).catch((failure: NodeJS.ErrnoException) => {
          if (failure.code !== 'EEXIST') throw failure;
        });
      } finally {
        await rm(draft, { force: true });
      }
      return read();
    });
  } catch (error) {
    throw new LivedubError(
      'LIVEDUB_E_OUTPUT_NOT_WRITABLE',
      'The secret of the data folder cannot be read or made.',
      {
        cause: error,
        remedy: 'Make the data folder (LIVEDUB_DATA) writable for this user, or set LIVEDUB_SECRET.',
      },
    );
  }
}
