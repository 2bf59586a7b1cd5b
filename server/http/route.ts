import type { Exchange } from './exchange.ts';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** Who may use an address from a page: only our own pages, or any site's (answers carry CORS headers). */
export type Origins = 'own' | 'any';

/** One method of one address. Other methods of the same address answer 405, OPTIONS says which there are. */
export interface Route {
  /** `get` answers HEAD too. */
  readonly method: Method;
  /** `/v1/dubs/:id`; a `*` at the end stands for everything below. */
  readonly pattern: string;
  /** Default `own`: requests that change something are refused when another site's page sends them. */
  readonly origins?: Origins;
  /** Largest body taken, bytes. Default 64 KiB. */
  readonly maxBodyBytes?: number;
  /** How long after its head a body may take, ms. Default 10 000. */
  readonly bodyTimeoutMs?: number;
  /** The handler reads the body as it comes. Default false: it is collected. */
  readonly streamBody?: boolean;
  /** Media type of the bodies that POST takes, told by OPTIONS. */
  readonly acceptPost?: string;
  readonly handle: (exchange: Exchange) => Promise<void>;
}
