import type { z } from 'zod';
import type { EdgeSocket } from '../http/edge-socket.ts';
import type { SocketOwner } from '../http/socket-route.ts';
import type {
  ChannelPatchSchema,
  ChannelView,
  DeskEvent,
  LivePairs,
  Mode,
  NewChannelSchema,
  OperatorChannel,
  RecordingView,
  RenditionControl,
  ViewerEvent,
} from './contract.ts';

/** A new channel's settings with all defaults filled in. */
export type ChannelOrder = z.output<typeof NewChannelSchema>;
export type ChannelChange = z.output<typeof ChannelPatchSchema>;

/** A STUN or TURN server that publishers and viewers are told of. */
export interface IceServer {
  /** `stun:host:port`, `turn:host:port?transport=udp`, `turns:…`. */
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** A publishing or playing session that has just been made. */
export interface SessionAnswer {
  /** 16 random bytes or more, URL-safe: whoever knows it may end a session of a public channel. */
  readonly sessionId: string;
  /** SDP. */
  readonly answer: string;
  /** Opaque, without quotes; another one after each ICE restart. */
  readonly etag: string;
}

export type PatchAnswer =
  | { readonly kind: 'trickled' }
  /** ICE was restarted: the server's new credentials and candidates as an SDP fragment (RFC 8840). */
  | { readonly kind: 'restarted'; readonly fragment: string; readonly etag: string };

export interface SessionRef {
  readonly channelId: string;
  readonly sessionId: string;
}

/**
 * Sessions of WHIP or WHEP as their routes need them. Rights, media types and preconditions are checked before anything
 * here is called.
 */
export interface SessionApi<Order> {
  /**
   * @throws LivedubError LIVEDUB_E_NOT_FOUND (no such channel), LIVEDUB_E_SDP_INVALID, LIVEDUB_E_SDP_UNSUPPORTED,
   * LIVEDUB_E_CONFLICT (somebody publishes already), LIVEDUB_E_SFU_FAILED
   */
  create(order: Order): Promise<SessionAnswer>;
  /** The session's current entity tag. @throws LivedubError LIVEDUB_E_NOT_FOUND */
  etagOf(session: SessionRef): string;
  /** @throws LivedubError LIVEDUB_E_NOT_FOUND, LIVEDUB_E_SDP_INVALID, LIVEDUB_E_SDP_UNSUPPORTED */
  patch(session: SessionRef & { readonly fragment: string }): Promise<PatchAnswer>;
  /** @throws LivedubError LIVEDUB_E_NOT_FOUND */
  remove(session: SessionRef): Promise<void>;
}

export interface PublishOrder {
  readonly channelId: string;
  readonly offer: string;
  /** `speech`: a second sound, dubbed instead of the programme's. */
  readonly track: 'programme' | 'speech';
  /** End whoever publishes this track now, instead of LIVEDUB_E_CONFLICT. */
  readonly takeOver: boolean;
}

export interface PlayOrder {
  readonly channelId: string;
  readonly offer: string;
  /** null: the original. */
  readonly language: string | null;
  readonly mode: Mode;
  /** Lips that follow the dub, in synced mode where there are any. */
  readonly face: boolean;
}

/** A finished recording's file, or one of its caption files. */
export interface RecordingFile {
  /** Absolute path. */
  readonly path: string;
  readonly downloadName: string;
}

/**
 * What the live routes need of the live service. Ids are well-formed and rights are checked when a method is called; every
 * method with an id throws LIVEDUB_E_NOT_FOUND when there is no such channel. Addresses in views are paths or absolute: the
 * routes make them absolute.
 */
export interface LiveApi {
  /** Every channel, also those that are not public. */
  list(): readonly ChannelView[];
  view(id: string): ChannelView;
  operatorView(id: string): Promise<OperatorChannel>;
  /** @throws LivedubError LIVEDUB_E_CONFLICT (the id is taken), LIVEDUB_E_PAIR_UNSUPPORTED, LIVEDUB_E_QUEUE_FULL */
  create(order: ChannelOrder): Promise<OperatorChannel>;
  /** @throws LivedubError LIVEDUB_E_CONFLICT (not while live), LIVEDUB_E_PAIR_UNSUPPORTED */
  patch(id: string, change: ChannelChange): Promise<OperatorChannel>;
  /** Ends everything of the channel and forgets it, with its recordings. */
  remove(id: string): Promise<void>;
  /** @throws LivedubError LIVEDUB_E_NOT_FOUND when the channel is not dubbed into `language` */
  control(id: string, language: string, control: RenditionControl): Promise<OperatorChannel>;
  /**
   * Switches one language's faces, at once while live.
   * @throws LivedubError LIVEDUB_E_NOT_FOUND when the channel is not dubbed into `language`
   */
  switchFace(id: string, language: string, on: boolean): Promise<OperatorChannel>;
  /** @throws LivedubError LIVEDUB_E_CONFLICT when one is running */
  startRecording(id: string): Promise<RecordingView>;
  /** @throws LivedubError LIVEDUB_E_NOT_FOUND when none is running */
  stopRecording(id: string): Promise<RecordingView>;
  /** Makes again what could not be made. @throws LivedubError LIVEDUB_E_NOT_FOUND, LIVEDUB_E_CONFLICT when nothing failed */
  retryRecording(id: string, recordingId: string): Promise<RecordingView>;
  /** @throws LivedubError LIVEDUB_E_NOT_FOUND, LIVEDUB_E_CONFLICT while it runs */
  removeRecording(id: string, recordingId: string): Promise<void>;
  /**
   * Deletes one language's file with moved lips, or gives it up.
   * @throws LivedubError LIVEDUB_E_NOT_FOUND, LIVEDUB_E_CONFLICT while files are being made
   */
  removeRecordingFile(id: string, recordingId: string, file: string): Promise<RecordingView>;
  /** @param file as named in RecordingView @throws LivedubError LIVEDUB_E_NOT_FOUND */
  recordingFile(id: string, recordingId: string, file: string): Promise<RecordingFile>;
  pairs(): Promise<LivePairs>;
  readonly iceServers: readonly IceServer[];
  readonly whip: SessionApi<PublishOrder>;
  readonly whep: SessionApi<PlayOrder>;
  /** A viewer has come. Sends `welcome` first. */
  watch(id: string, socket: EdgeSocket<ViewerEvent>): SocketOwner;
  /** A desk has come. Sends `channel` first. */
  desk(id: string, socket: EdgeSocket<DeskEvent>): SocketOwner;
}
