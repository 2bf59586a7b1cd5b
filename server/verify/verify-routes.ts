import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { LivedubError } from '../../pipeline/errors.ts';
import { clientAddress } from '../http/client-address.ts';
import type { Exchange } from '../http/exchange.ts';
import { TooManyRequestsError } from '../http/problem-status.ts';
import type { Route } from '../http/route.ts';
import type { VerifyService } from './verify-service.ts';

export interface VerifyRoutesOptions {
  verify: VerifyService;
  /** Believe X-Forwarded-For. Default false. */
  trustProxy?: boolean;
  /** Clips of one address in ten minutes. Default 10. */
  maxClipsPerTenMinutes?: number;
  /** Default 64 MiB. */
  maxBytes?: number;
  /** How long a clip may take to come, ms. Default 60 000. */
  bodyTimeoutMs?: number;
}

/** Bodies of these wrap what they carry. */
const WRAPPED = /^(multipart\/|application\/x-www-form-urlencoded)/i;

/** POST /v1/verify: was this clip dubbed here? For anyone, without an account. */
export function verifyRoutes(options: VerifyRoutesOptions): readonly Route[] {
  const limiter = new RateLimiterMemory({ points: options.maxClipsPerTenMinutes ?? 10, duration: 600 });
  return [
    {
      method: 'post',
      pattern: '/v1/verify',
      origins: 'any',
      acceptPost: 'application/octet-stream, audio/*, video/*',
      maxBodyBytes: options.maxBytes ?? 64 * 2 ** 20,
      bodyTimeoutMs: options.bodyTimeoutMs ?? 60_000,
      streamBody: true,
      handle: async (exchange) => {
        const client = clientAddress(exchange, options.trustProxy ?? false);
        const body = exchange.bodyStream();
        await count(limiter, client);
        checkType(exchange);
        exchange.json(await options.verify.verify({ client, body, signal: exchange.signal }));
      },
    },
  ];
}

async function count(limiter: RateLimiterMemory, client: string): Promise<void> {
  try {
    await limiter.consume(client);
  } catch (thrown) {
    if (!(thrown instanceof RateLimiterRes)) throw thrown;
    throw new TooManyRequestsError('This address sent too many clips.', thrown.msBeforeNext);
  }
}

function checkType(exchange: Exchange): void {
  if (!WRAPPED.test(exchange.header('content-type'))) return;
  throw new LivedubError('LIVEDUB_E_MEDIA_TYPE', 'This address takes the bytes of the clip themselves.', {
    remedy: 'Send the file as the body, as application/octet-stream; not as a form.',
  });
}
