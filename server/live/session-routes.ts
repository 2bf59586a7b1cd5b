import { LivedubError } from '../../pipeline/errors.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Route } from '../http/route.ts';
import { check } from '../problem.ts';
import { type Access, tokenOf } from './access.ts';
import { ChannelIdSchema } from './contract.ts';
import type { IceServer, SessionApi } from './live-api.ts';

export interface SessionRoutesOptions<Order> {
  /** Name of the protocol in addresses. */
  protocol: 'whip' | 'whep';
  access: Access;
  sessions: SessionApi<Order>;
  /** What new sessions are told to use. */
  iceServers: readonly IceServer[];
  /** Goes on when the client may open, change and end sessions of this channel. */
  authorise: (exchange: Exchange, channelId: string) => Promise<void>;
  /** What the request's address asks for. @throws LivedubError */
  orderOf: (exchange: Exchange, channelId: string, offer: string) => Order;
}

const SDP = 'application/sdp';
const SDP_FRAGMENT = 'application/trickle-ice-sdpfrag';

/**
 * Addresses of WHIP (RFC 9725) or WHEP (draft-ietf-wish-whep), which differ only in who may use them and in what is asked for.
 * POST to the endpoint opens a session at the address that Location names; PATCH there carries ICE, DELETE ends it. Neither
 * address has a representation: GET is answered with nothing, any other method with 405.
 */
export function sessionRoutes<Order>(options: SessionRoutesOptions<Order>): readonly Route[] {
  const { protocol, access, sessions, authorise } = options;
  const links = options.iceServers.flatMap(iceServerLinks);
  const pathOf = (channelId: string, sessionId: string) =>
    `/v1/channels/${channelId}/${protocol}/${sessionId}`;

  const create = async (exchange: Exchange): Promise<void> => {
    const channelId = channelIdOf(exchange);
    await authorise(exchange, channelId);
    await access.countSession(exchange);
    checkAccepts(exchange, SDP);
    const offer = await exchange.textBody(SDP);
    const { sessionId, answer, etag } = await sessions.create(options.orderOf(exchange, channelId, offer));
    if (exchange.signal.aborted) {
      // Nobody was told of the session.
      await sessions.remove({ channelId, sessionId });
      return;
    }
    // A client that can send no headers would lack its token afterwards.
    const token = exchange.header('authorization') === '' ? tokenOf(exchange) : undefined;
    const query = token === undefined ? '' : `?token=${encodeURIComponent(token)}`;
    // Absolute: FFmpeg's muxer, for one, does not resolve a relative address.
    const location = `${access.baseUrlOf(exchange)}${pathOf(channelId, sessionId)}${query}`;
    exchange.text(
      answer,
      SDP,
      [
        ['location', location],
        ['etag', `"${etag}"`],
        ['accept-patch', SDP_FRAGMENT],
        ['cache-control', 'no-store'],
        ...links.map((link) => ['link', link] as const),
      ],
      201,
    );
  };

  const patch = async (exchange: Exchange): Promise<void> => {
    const session = sessionOf(exchange);
    await authorise(exchange, session.channelId);
    const fragment = await exchange.textBody(SDP_FRAGMENT);
    checkIfMatch(exchange.header('if-match'), sessions.etagOf(session));
    const answer = await sessions.patch({ ...session, fragment });
    if (answer.kind === 'trickled') return exchange.empty(204, []);
    exchange.text(answer.fragment, SDP_FRAGMENT, [
      ['etag', `"${answer.etag}"`],
      ['cache-control', 'no-store'],
    ]);
  };

  const remove = async (exchange: Exchange): Promise<void> => {
    const session = sessionOf(exchange);
    await authorise(exchange, session.channelId);
    await sessions.remove(session);
    exchange.empty(200, [], 0);
  };

  const nothing = async (exchange: Exchange): Promise<void> => exchange.empty(204, []);

  const routes: Route[] = [];
  for (const endpoint of [`/v1/channels/:id/${protocol}`, `/${protocol}/:id`]) {
    const session = `${endpoint}/:session`;
    routes.push(
      { method: 'post', pattern: endpoint, origins: 'any', acceptPost: SDP, handle: create },
      { method: 'get', pattern: endpoint, origins: 'any', handle: nothing },
      { method: 'patch', pattern: session, origins: 'any', handle: patch },
      { method: 'delete', pattern: session, origins: 'any', handle: remove },
      { method: 'get', pattern: session, origins: 'any', handle: nothing },
    );
  }
  return routes;
}

function channelIdOf(exchange: Exchange): string {
  return check(ChannelIdSchema, exchange.param('id'), 'channel');
}

function sessionOf(exchange: Exchange): { channelId: string; sessionId: string } {
  return { channelId: channelIdOf(exchange), sessionId: exchange.param('session') };
}

/** @throws LivedubError LIVEDUB_E_NOT_ACCEPTABLE */
function checkAccepts(exchange: Exchange, mediaType: string): void {
  const accept = exchange.header('accept').toLowerCase();
  const wildcard = `${mediaType.split('/')[0]}/*`;
  const accepts = accept.split(',').some((part) => {
    const [range = '', ...parameters] = part.split(';').map((word) => word.trim());
    const isRefused = parameters.some((word) => /^q=0(\.0*)?$/.test(word));
    return !isRefused && (range === mediaType || range === wildcard || range === '*/*');
  });
  if (accept === '' || accepts) return;
  throw new LivedubError('LIVEDUB_E_NOT_ACCEPTABLE', `This address answers ${mediaType} only.`);
}

/**
 * Compares If-Match with a session's entity tag (RFC 9110, section 13.1.1). `*`, which an ICE restart comes with, matches
 * any; also in quotes, as an example of the WHIP specification has it.
 * @throws LivedubError LIVEDUB_E_PRECONDITION_REQUIRED, LIVEDUB_E_PRECONDITION_FAILED
 */
function checkIfMatch(ifMatch: string, etag: string): void {
  if (ifMatch === '') {
    throw new LivedubError('LIVEDUB_E_PRECONDITION_REQUIRED', 'PATCH needs an If-Match header.');
  }
  const tags = ifMatch.split(',').map((tag) => tag.trim());
  if (tags.some((tag) => tag === '*' || tag === '"*"' || tag === `"${etag}"`)) return;
  throw new LivedubError('LIVEDUB_E_PRECONDITION_FAILED', 'This is not the ETag of the current ICE session.');
}

/** One Link header per address of a server, in the form that RFC 9725, section 4.6, gives. */
function iceServerLinks(server: IceServer): readonly string[] {
  const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;
  return server.urls.map((url) => {
    const link = [`<${url}>`, 'rel="ice-server"'];
    if (server.username !== undefined) link.push(`username=${quoted(server.username)}`);
    if (server.credential !== undefined) {
      link.push(`credential=${quoted(server.credential)}`, 'credential-type="password"');
    }
    return link.join('; ');
  });
}
