import type { ChannelFaces } from './channel-faces.ts';
import type { ChannelRecord } from './channel-store.ts';
import type { ChannelState, ChannelView, OperatorChannel, RecordingView, RenditionView } from './contract.ts';
import type { DemandBook } from './demand.ts';
import type { DubLinkState } from './dub-link.ts';
import type { OpenedRendition } from './worker-messages.ts';

/** What is known of a channel's renditions beside its settings. */
export interface RenditionFacts {
  readonly opened?: OpenedRendition;
  /** Why it went a step down, and when, on the monotonic clock. */
  readonly degraded?: string;
  readonly degradedMs?: number;
  readonly lagMs?: number;
}

export interface ViewParts {
  readonly record: ChannelRecord;
  readonly state: ChannelState;
  readonly startedAt: string | undefined;
  readonly dub: DubLinkState;
  readonly demand: DemandBook;
  /** Wants what is recorded, and is no viewer. */
  readonly recorder: object;
  readonly facts: ReadonlyMap<string, RenditionFacts>;
  readonly faces: Pick<ChannelFaces, 'view'>;
  readonly hasVideo: boolean;
  readonly hasAudio: boolean;
  readonly viewers: number;
}

/** What everybody who may watch is told of a channel. */
export function channelView(parts: ViewParts): ChannelView {
  const { record, state, startedAt, dub, hasVideo, hasAudio, viewers } = parts;
  const { settings } = record;
  return {
    id: record.id,
    title: settings.title,
    state,
    createdAt: record.createdAt,
    ...(startedAt === undefined ? {} : { startedAt }),
    from: settings.from,
    renditions: settings.languages.map(({ language, voice }) => renditionView(parts, language, voice)),
    delayMs: settings.delayMs,
    isPublic: settings.isPublic,
    hasVideo,
    hasAudio,
    viewers,
    dub,
  };
}

function renditionView(parts: ViewParts, language: string, chosen: string | undefined): RenditionView {
  const facts = parts.facts.get(language) ?? {};
  const demand = parts.demand.of(language);
  const wanted =
    demand.captions || [demand.interpret, demand.synced].some((output) => output.voice || output.mix);
  const voice = facts.opened?.voice ?? chosen;
  return {
    language,
    ...(facts.opened === undefined ? {} : { tier: facts.opened.tier }),
    ...(voice === undefined ? {} : { voice }),
    control: parts.record.controls[language] ?? 'on',
    state: parts.dub !== 'ready' ? 'off' : wanted ? 'active' : 'idle',
    ...(facts.degraded === undefined ? {} : { degraded: facts.degraded }),
    viewers: parts.demand.listeners(language, parts.recorder),
    ...(facts.lagMs === undefined ? {} : { lagMs: facts.lagMs }),
    face: parts.faces.view(language, parts.dub === 'ready'),
  };
}

export interface OperatorParts {
  readonly publishToken: string;
  readonly srt: string | undefined;
  readonly rtmp: string | undefined;
  readonly recordings: readonly RecordingView[];
}

/** What the channel's operator is told besides. Addresses are paths of this server. */
export function operatorView(
  view: ChannelView,
  record: ChannelRecord,
  parts: OperatorParts,
): OperatorChannel {
  const { id, settings, streamKey } = record;
  return {
    ...view,
    settings,
    publish: {
      whip: `/whip/${id}`,
      token: parts.publishToken,
      page: `/publish/${id}`,
      ...(parts.srt === undefined ? {} : { srt: parts.srt }),
      ...(parts.rtmp === undefined ? {} : { rtmp: parts.rtmp }),
      streamKey,
    },
    watch: { page: `/watch/${id}`, whep: `/whep/${id}` },
    recordings: [...parts.recordings],
  };
}
