import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { LivedubError } from '../../pipeline/errors.ts';
import { clientAddress } from '../http/client-address.ts';
import { isLoopbackHost } from '../http/origin-guard.ts';
import { TooManyRequestsError } from '../http/problem-status.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { Right, Tokens } from './tokens.ts';

export interface AccessOptions {
  tokens: Tokens;
  /** Address the server listens on: on loopback, our own pages may manage without a token. */
  listenHost: string;
  /** Believe X-Forwarded-For and X-Forwarded-Proto: only behind a proxy that sets them. Default false. */
  trustProxy?: boolean;
  /** Refused tokens per address and minute. Default 30. */
  maxFailuresPerMinute?: number;
  /** Sessions and sockets opened per address and minute. Default 300. */
  maxSessionsPerMinute?: number;
}

/** Decides who may do what, and how often. */
export class Access {
  readonly #tokens: Tokens;
  readonly #isLoopback: boolean;
  readonly #trustProxy: boolean;
  readonly #failures: RateLimiterMemory;
  readonly #sessions: RateLimiterMemory;

  constructor(options: AccessOptions) {
    this.#tokens = options.tokens;
    this.#isLoopback = isLoopbackHost(options.listenHost);
    this.#trustProxy = options.trustProxy ?? false;
    this.#failures = new RateLimiterMemory({ points: options.maxFailuresPerMinute ?? 30, duration: 60 });
    this.#sessions = new RateLimiterMemory({ points: options.maxSessionsPerMinute ?? 300, duration: 60 });
  }

  /** Goes on when the request has a right. @throws LivedubError LIVEDUB_E_UNAUTHORISED, LIVEDUB_E_FORBIDDEN, LIVEDUB_E_TOO_MANY_REQUESTS */
  async require(request: RequestHead, right: Right): Promise<void> {
    const token = tokenOf(request);
    if (token === undefined && right.scope === 'manage' && this.#isOwnDesk(request)) return;
    const address = this.#addressOf(request);
    if (token !== undefined) await this.#refuseGuessers(address);
    try {
      await this.#tokens.verify(token ?? '', right);
    } catch (error) {
      if (token !== undefined && codeOf(error) === 'LIVEDUB_E_UNAUTHORISED') {
        await this.#failures.penalty(address);
      }
      throw error;
    }
  }

  /** Whether the request has a right. @throws LivedubError LIVEDUB_E_UNAUTHORISED for a token that is no good at all */
  async has(request: RequestHead, right: Right): Promise<boolean> {
    try {
      await this.require(request, right);
      return true;
    } catch (error) {
      const isBare = codeOf(error) === 'LIVEDUB_E_UNAUTHORISED' && tokenOf(request) === undefined;
      if (isBare || codeOf(error) === 'LIVEDUB_E_FORBIDDEN') return false;
      throw error;
    }
  }

  /**
   * Anyone may watch a public channel; a private one takes a token with scope `watch`, except for whoever runs it at this
   * machine. @throws as require
   */
  async requireWatch(request: RequestHead, channel: { id: string; isPublic: boolean }): Promise<void> {
    if (channel.isPublic || (tokenOf(request) === undefined && this.#isOwnDesk(request))) return;
    await this.require(request, { scope: 'watch', channel: channel.id });
  }

  /** Counts a session or socket that is to be opened. @throws LivedubError LIVEDUB_E_TOO_MANY_REQUESTS */
  async countSession(request: RequestHead): Promise<void> {
    try {
      await this.#sessions.consume(this.#addressOf(request));
    } catch (thrown) {
      if (!(thrown instanceof RateLimiterRes)) throw thrown;
      throw new TooManyRequestsError('This address opened too many sessions.', thrown.msBeforeNext);
    }
  }

  /** `https://host`: how the client reached this server. */
  baseUrlOf(request: RequestHead): string {
    const forwarded = this.#trustProxy ? request.header('x-forwarded-proto') : '';
    return `${forwarded === 'https' ? 'https' : 'http'}://${request.header('host')}`;
  }

  async #refuseGuessers(address: string): Promise<void> {
    const record = await this.#failures.get(address);
    if (record && record.consumedPoints >= this.#failures.points) {
      throw new TooManyRequestsError('Too many wrong tokens came from this address.', record.msBeforeNext);
    }
  }

  /** Whoever sits at this machine is trusted; another site's page, or somebody behind a proxy, does not sit here. */
  #isOwnDesk(request: RequestHead): boolean {
    if (!this.#isLoopback || this.#trustProxy || request.header('x-forwarded-for') !== '') return false;
    const site = request.header('sec-fetch-site');
    if (site !== '' && site !== 'same-origin' && site !== 'none') return false;
    const origin = request.header('origin');
    return origin === '' || origin === `http://${request.header('host')}`;
  }

  #addressOf(request: RequestHead): string {
    return clientAddress(request, this.#trustProxy);
  }
}

/** `Authorization: Bearer …`, or `?token=` where a client can send no headers (WebSockets, links, encoders). */
export function tokenOf(request: RequestHead): string | undefined {
  const header = request.header('authorization');
  if (header !== '') return /^Bearer +(\S+) *$/i.exec(header)?.[1] ?? 'malformed';
  return request.query('token');
}

function codeOf(error: unknown): string | undefined {
  return error instanceof LivedubError ? error.code : undefined;
}
