import { z } from 'zod';
import { LivedubError } from '../../pipeline/errors.ts';
import { LanguageSchema } from '../contract.ts';
import type { Exchange } from '../http/exchange.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { Route } from '../http/route.ts';
import { sendFile } from '../http/send-file.ts';
import { check } from '../problem.ts';
import type { Access } from './access.ts';
import {
  ChannelIdSchema,
  ChannelPatchSchema,
  ModeSchema,
  NewChannelSchema,
  NewTokenSchema,
  RenditionControlSchema,
} from './contract.ts';
import type { LiveApi, PlayOrder, PublishOrder } from './live-api.ts';
import { withBase } from './operator-addresses.ts';
import { sessionRoutes } from './session-routes.ts';
import type { Tokens } from './tokens.ts';

export interface LiveRoutesOptions {
  live: LiveApi;
  access: Access;
  tokens: Tokens;
}

const FaceBodySchema = z.object({ on: z.boolean() });
const ControlBodySchema = z.object({ control: RenditionControlSchema });
/** Settings come with a glossary of hundreds of terms, 80 characters each. */
const MAX_SETTINGS_BYTES = 256 * 1024;

/** The REST interface of live channels, WHIP and WHEP among it. */
export function liveRoutes(options: LiveRoutesOptions): readonly Route[] {
  return [
    ...channelRoutes(options),
    ...recordingRoutes(options),
    ...whipRoutes(options),
    ...whepRoutes(options),
  ];
}

/** The channel that an address names. @throws LivedubError LIVEDUB_E_BAD_REQUEST */
export function channelIdOf(request: RequestHead): string {
  return check(ChannelIdSchema, request.param('id'), 'channel');
}

function channelRoutes({ live, access, tokens }: LiveRoutesOptions): readonly Route[] {
  const manage = async (exchange: Exchange): Promise<string> => {
    const id = channelIdOf(exchange);
    await access.require(exchange, { scope: 'manage', channel: id });
    return id;
  };

  return [
    {
      method: 'get',
      pattern: '/v1/channels',
      origins: 'any',
      handle: async (exchange) => {
        const all = await access.has(exchange, { scope: 'manage', channel: '*' });
        exchange.json({ channels: live.list().filter((channel) => all || channel.isPublic) });
      },
    },
    {
      method: 'post',
      pattern: '/v1/channels',
      maxBodyBytes: MAX_SETTINGS_BYTES,
      handle: async (exchange) => {
        await access.require(exchange, { scope: 'manage', channel: '*' });
        const channel = await live.create(await exchange.jsonBody(NewChannelSchema));
        exchange.json(withBase(channel, access.baseUrlOf(exchange)), 201, [
          ['location', `/v1/channels/${channel.id}`],
        ]);
      },
    },
    {
      method: 'get',
      pattern: '/v1/channels/:id',
      origins: 'any',
      handle: async (exchange) => {
        const id = channelIdOf(exchange);
        if (await access.has(exchange, { scope: 'manage', channel: id })) {
          return exchange.json(withBase(await live.operatorView(id), access.baseUrlOf(exchange)));
        }
        const channel = live.view(id);
        await access.requireWatch(exchange, channel);
        exchange.json(channel);
      },
    },
    {
      method: 'patch',
      pattern: '/v1/channels/:id',
      maxBodyBytes: MAX_SETTINGS_BYTES,
      handle: async (exchange) => {
        const id = await manage(exchange);
        const channel = await live.patch(id, await exchange.jsonBody(ChannelPatchSchema));
        exchange.json(withBase(channel, access.baseUrlOf(exchange)));
      },
    },
    {
      method: 'delete',
      pattern: '/v1/channels/:id',
      handle: async (exchange) => {
        await live.remove(await manage(exchange));
        exchange.empty(204, []);
      },
    },
    {
      method: 'post',
      pattern: '/v1/channels/:id/languages/:language',
      handle: async (exchange) => {
        const id = await manage(exchange);
        const language = check(LanguageSchema, exchange.param('language'), 'language');
        const { control } = await exchange.jsonBody(ControlBodySchema);
        const channel = await live.control(id, language, control);
        exchange.json(withBase(channel, access.baseUrlOf(exchange)));
      },
    },
    {
      method: 'post',
      pattern: '/v1/channels/:id/languages/:language/face',
      handle: async (exchange) => {
        const id = await manage(exchange);
        const language = check(LanguageSchema, exchange.param('language'), 'language');
        const { on } = await exchange.jsonBody(FaceBodySchema);
        const channel = await live.switchFace(id, language, on);
        exchange.json(withBase(channel, access.baseUrlOf(exchange)));
      },
    },
    {
      method: 'get',
      pattern: '/v1/live/languages',
      origins: 'any',
      handle: async (exchange) => exchange.json(await live.pairs()),
    },
    {
      method: 'post',
      pattern: '/v1/tokens',
      handle: async (exchange) => {
        // The body says for which channel the right is needed.
        const order = await exchange.jsonBody(NewTokenSchema);
        await access.require(exchange, { scope: 'manage', channel: order.channel });
        exchange.json(await tokens.issue(order), 201);
      },
    },
  ];
}

function recordingRoutes({ live, access }: LiveRoutesOptions): readonly Route[] {
  const manage = async (exchange: Exchange): Promise<string> => {
    const id = channelIdOf(exchange);
    await access.require(exchange, { scope: 'manage', channel: id });
    return id;
  };
  return [
    {
      method: 'post',
      pattern: '/v1/channels/:id/recordings',
      handle: async (exchange) => exchange.json(await live.startRecording(await manage(exchange)), 201),
    },
    {
      method: 'delete',
      pattern: '/v1/channels/:id/recordings/current',
      handle: async (exchange) => exchange.json(await live.stopRecording(await manage(exchange))),
    },
    {
      method: 'post',
      pattern: '/v1/channels/:id/recordings/:recording/retry',
      handle: async (exchange) => {
        const id = await manage(exchange);
        exchange.json(await live.retryRecording(id, exchange.param('recording')), 202);
      },
    },
    {
      method: 'delete',
      pattern: '/v1/channels/:id/recordings/:recording',
      handle: async (exchange) => {
        await live.removeRecording(await manage(exchange), exchange.param('recording'));
        exchange.empty(204, []);
      },
    },
    {
      method: 'delete',
      pattern: '/v1/channels/:id/recordings/:recording/:file',
      handle: async (exchange) => {
        const id = await manage(exchange);
        const [recording, file] = [exchange.param('recording'), exchange.param('file')];
        exchange.json(await live.removeRecordingFile(id, recording, file));
      },
    },
    {
      method: 'get',
      pattern: '/v1/channels/:id/recordings/:recording/:file',
      handle: async (exchange) => {
        const id = await manage(exchange);
        const file = await live.recordingFile(id, exchange.param('recording'), exchange.param('file'));
        await sendFile(exchange, { file: file.path, downloadName: file.downloadName });
      },
    },
  ];
}

function whipRoutes({ live, access }: LiveRoutesOptions): readonly Route[] {
  return sessionRoutes<PublishOrder>({
    protocol: 'whip',
    access,
    sessions: live.whip,
    iceServers: live.iceServers,
    authorise: (exchange, channel) => access.require(exchange, { scope: 'publish', channel }),
    orderOf: (exchange, channelId, offer) => ({
      channelId,
      offer,
      track: check(z.enum(['programme', 'speech']), exchange.query('track') ?? 'programme', 'track'),
      takeOver: exchange.query('takeover') === '1',
    }),
  });
}

function whepRoutes({ live, access }: LiveRoutesOptions): readonly Route[] {
  return sessionRoutes<PlayOrder>({
    protocol: 'whep',
    access,
    sessions: live.whep,
    iceServers: live.iceServers,
    authorise: async (exchange, id) => access.requireWatch(exchange, live.view(id)),
    orderOf: (exchange, channelId, offer) => {
      const language = exchange.query('lang') || null;
      if (language !== null) {
        check(LanguageSchema, language, 'lang');
        if (!live.view(channelId).renditions.some((rendition) => rendition.language === language)) {
          throw new LivedubError('LIVEDUB_E_NOT_FOUND', `This channel is not dubbed into ${language}.`);
        }
      }
      return {
        channelId,
        offer,
        language,
        mode: check(ModeSchema, exchange.query('mode') ?? 'interpret', 'mode'),
        face: check(z.enum(['0', '1']), exchange.query('face') ?? '1', 'face') === '1',
      };
    },
  });
}
