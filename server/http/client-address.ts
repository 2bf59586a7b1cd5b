import type { RequestHead } from './request-head.ts';

/** Whom a request comes from. @param trustProxy believe what the proxy in front says of it */
export function clientAddress(request: RequestHead, trustProxy: boolean): string {
  const forwarded = trustProxy ? request.header('x-forwarded-for').split(',').at(-1)?.trim() : '';
  return forwarded || request.peerAddress;
}
