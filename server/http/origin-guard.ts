import { LivedubError } from '../../pipeline/errors.ts';

export interface OriginGuardOptions {
  /** Address the server listens on. */
  listenHost: string;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

/**
 * Keeps other sites' pages from using a server that trusts whoever reaches it: a changing request or a WebSocket must
 * come from our own page (or from no page), and a server on loopback answers only to loopback names, so that a name
 * which somebody points at 127.0.0.1 gets nothing (DNS rebinding).
 */
export class OriginGuard {
  readonly #loopbackOnly: boolean;

  constructor(options: OriginGuardOptions) {
    this.#loopbackOnly = isLoopbackHost(options.listenHost);
  }

  /** @throws LivedubError LIVEDUB_E_FORBIDDEN */
  checkHost(host: string): void {
    if (this.#loopbackOnly && !LOOPBACK.has(hostnameOf(host))) {
      throw new LivedubError('LIVEDUB_E_FORBIDDEN', 'This server answers to localhost only.', {
        remedy: 'Set LIVEDUB_HOST to the address under which it is to be reached.',
      });
    }
  }

  /** @throws LivedubError LIVEDUB_E_FORBIDDEN */
  checkOrigin(origin: string, host: string): void {
    this.checkHost(host);
    if (origin === '') return;
    let originHost: string;
    try {
      originHost = new URL(origin).host;
    } catch {
      originHost = '';
    }
    if (originHost !== host.toLowerCase()) {
      throw new LivedubError('LIVEDUB_E_FORBIDDEN', 'Another site asked for this.');
    }
  }
}

/** Whether an address to listen on can be reached from this machine only. */
export function isLoopbackHost(host: string): boolean {
  return LOOPBACK.has(host);
}

function hostnameOf(host: string): string {
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    return '';
  }
}
