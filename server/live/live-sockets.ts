import type { EdgeSocket } from '../http/edge-socket.ts';
import type { SocketRoute } from '../http/socket-route.ts';
import type { Access } from './access.ts';
import type { DeskEvent } from './contract.ts';
import type { LiveApi } from './live-api.ts';
import { channelIdOf } from './live-routes.ts';
import { withBase } from './operator-addresses.ts';

export interface LiveSocketsOptions {
  live: LiveApi;
  access: Access;
}

/** What a viewer sends at most, bytes: its RTP capabilities are some 20 KB. */
const MAX_VIEWER_MESSAGE_BYTES = 64 * 1024;

/** WebSockets of viewers (from any site) and of the desk. */
export function liveSockets({ live, access }: LiveSocketsOptions): readonly SocketRoute[] {
  return [
    {
      pattern: '/v1/channels/:id/watch',
      origins: 'any',
      maxPayloadBytes: MAX_VIEWER_MESSAGE_BYTES,
      authorise: async (request) => {
        await access.countSession(request);
        await access.requireWatch(request, live.view(channelIdOf(request)));
      },
      open: (socket, request) => live.watch(channelIdOf(request), socket),
    },
    {
      pattern: '/v1/channels/:id/desk',
      authorise: async (request) => {
        const id = channelIdOf(request);
        await access.require(request, { scope: 'manage', channel: id });
        live.view(id);
      },
      open: (socket, request) =>
        live.desk(channelIdOf(request), absoluteAddresses(socket, access.baseUrlOf(request))),
    },
  ];
}

/** A socket on which an operator's view gets absolute addresses, as it does over REST. */
function absoluteAddresses(socket: EdgeSocket, baseUrl: string): EdgeSocket<DeskEvent> {
  const absolute = (event: DeskEvent): DeskEvent =>
    event.kind === 'channel' ? { ...event, channel: withBase(event.channel, baseUrl) } : event;
  return {
    signal: socket.signal,
    send: (event) => socket.send(absolute(event)),
    sendDroppable: (event) => socket.sendDroppable(absolute(event)),
    sendLatest: (key, event) => socket.sendLatest(key, absolute(event)),
    close: (code, reason) => socket.close(code, reason),
  };
}
