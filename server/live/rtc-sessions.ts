import { randomBytes } from 'node:crypto';
import { LivedubError } from '../../pipeline/errors.ts';
import type { PatchAnswer, SessionAnswer, SessionApi, SessionRef } from './live-api.ts';

/** A WHIP or WHEP session of the SFU. */
export interface RtcSession {
  readonly answer: string;
  readonly connectionState: string;
  /** Changes with every ICE restart. */
  readonly iceUfrag: string;
  /** @returns the answering fragment of an ICE restart */
  patch(fragment: string): Promise<string | undefined>;
  close(): void;
}

interface Entry<Session> {
  readonly channelId: string;
  readonly session: Session;
}

/** The WHIP or WHEP sessions of all channels, by ids that cannot be guessed. */
export class RtcSessions<Session extends RtcSession> {
  readonly #entries = new Map<string, Entry<Session>>();

  /**
   * Remembers a session and says what its client is answered.
   * @throws LivedubError LIVEDUB_E_CLOSED when it has ended already: nobody would tell of its end again
   */
  register(channelId: string, session: Session): SessionAnswer {
    if (session.connectionState === 'closed' || session.connectionState === 'failed')
      throw new LivedubError('LIVEDUB_E_CLOSED', 'The session ended before it began.');
    const sessionId = randomBytes(18).toString('base64url');
    this.#entries.set(sessionId, { channelId, session });
    return { sessionId, answer: session.answer, etag: etagOf(session) };
  }

  /** Its connection has ended. */
  forget(session: Session): void {
    for (const [id, entry] of this.#entries) if (entry.session === session) this.#entries.delete(id);
  }

  closeOf(channelId: string): void {
    for (const [id, entry] of this.#entries) {
      if (entry.channelId !== channelId) continue;
      this.#entries.delete(id);
      entry.session.close();
    }
  }

  /** What the routes call. */
  api<Order>(create: (order: Order) => Promise<{ answer: SessionAnswer }>): SessionApi<Order> {
    return {
      create: async (order) => (await create(order)).answer,
      etagOf: (ref) => etagOf(this.#get(ref)),
      patch: async ({ fragment, ...ref }): Promise<PatchAnswer> => {
        const session = this.#get(ref);
        const answer = await session.patch(fragment);
        if (answer === undefined) return { kind: 'trickled' };
        return { kind: 'restarted', fragment: answer, etag: etagOf(session) };
      },
      remove: async (ref) => {
        const session = this.#get(ref);
        this.#entries.delete(ref.sessionId);
        session.close();
      },
    };
  }

  #get({ channelId, sessionId }: SessionRef): Session {
    const entry = this.#entries.get(sessionId);
    if (!entry || entry.channelId !== channelId)
      throw new LivedubError('LIVEDUB_E_NOT_FOUND', 'There is no such session, or it has ended.', {
        remedy: 'Begin a new one with POST.',
      });
    return entry.session;
  }
}

function etagOf(session: RtcSession): string {
  return session.iceUfrag;
}
