import type { Mode, OutputKind } from '../demand.ts';
import type { LanguageCode } from './engine.ts';

/** What a rendition is that gets a mark of its own. */
export interface MarkRequest {
  /** Key it is marked with. */
  readonly keyId: number;
  readonly issuer: string;
  readonly channel: {
    readonly id: string;
    /** As people know it: a channel's title, a file's name. */
    readonly title: string;
    /** Whether anyone may be told its title. */
    readonly isPublic: boolean;
  };
  readonly source: 'file' | 'live';
  /** Names the broadcast or the job within the channel. */
  readonly programme: string;
  readonly language: LanguageCode;
  readonly mode: Mode;
  /** `face`: the picture whose lips follow the dub. */
  readonly kind: OutputKind | 'face';
  /** Wall time of media time 0, RFC 3339. A file's is when its dub began. */
  readonly startedAt: string;
}

export interface IssuedMark extends MarkRequest {
  /** 36 bits, drawn at random and never given twice; `MarkPayload.rendition`. */
  readonly rendition: number;
  /** RFC 3339. */
  readonly issuedAt: string;
  /** Minutes that were marked at most, once that is known; until then it may be going on. */
  readonly minutes?: number;
}

/** Who issued which payload for what: what turns a payload that was found into a name. */
export interface MarkRegistry {
  /** Durable before it resolves: nothing is marked that could not be named. */
  issue(request: MarkRequest): Promise<IssuedMark>;
  /** The rendition ended: payloads up to this minute may be met. An unknown rendition is ignored. */
  end(rendition: number, minutes: number): Promise<void>;
  /** Whatever process issued it. */
  find(keyId: number, rendition: number): Promise<IssuedMark | undefined>;
  /** All that were issued with a key, newest first. */
  list(keyId: number): Promise<readonly IssuedMark[]>;
  /** Idempotent. */
  close(): Promise<void>;
}
