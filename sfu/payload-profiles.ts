import type { types } from 'mediasoup';
import type { SfuRouter } from './router.ts';

/** Which payload type a foreign player wants for a codec of the router. */
export interface PayloadChoice {
  readonly producer: types.Producer;
  readonly payloadType: number;
}

/** The choices made true: a router on which the producers have the payload types wanted. */
export interface PayloadProfile {
  readonly router: SfuRouter;
  /** The copy of a chosen producer, or the producer itself where nothing differs. */
  producerIdOf(producer: types.Producer): string;
  /** Idempotent. */
  release(): void;
}

interface Shared {
  readonly router: Promise<SfuRouter>;
  /** Copies by the id of their original. */
  readonly copies: Map<string, Promise<types.Producer>>;
  users: number;
}

/**
 * A mediasoup router gives each codec one payload type, while a WHEP player may offer any (RFC 8829 wants the answer to
 * use the offerer's). Where they differ the tracks are piped to a small router beside it that has the player's numbers.
 * One is shared by all players with the same numbers and closed with the last of them.
 */
export class PayloadProfiles {
  readonly #main: SfuRouter;
  readonly #shared = new Map<string, Shared>();

  private constructor(main: SfuRouter) {
    this.#main = main;
  }

  static readonly #all = new WeakMap<SfuRouter, PayloadProfiles>();

  /** Those of one router. */
  static of(router: SfuRouter): PayloadProfiles {
    let profiles = PayloadProfiles.#all.get(router);
    if (profiles === undefined) {
      profiles = new PayloadProfiles(router);
      PayloadProfiles.#all.set(router, profiles);
    }
    return profiles;
  }

  /** Routers in use beside the main one. */
  get size(): number {
    return this.#shared.size;
  }

  async acquire(choices: readonly PayloadChoice[]): Promise<PayloadProfile> {
    if (choices.every(({ producer, payloadType }) => carriedCodec(producer).payloadType === payloadType)) {
      return { router: this.#main, producerIdOf: (producer) => producer.id, release: () => {} };
    }
    const codecs = choices.map(toRouterCodec);
    const key = JSON.stringify(codecs);
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      shared = { router: this.#main.createSibling(codecs), copies: new Map(), users: 0 };
      this.#shared.set(key, shared);
    }
    const { router: making, copies } = shared;
    shared.users += 1;
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      shared.users -= 1;
      if (shared.users > 0) return;
      if (this.#shared.get(key) === shared) this.#shared.delete(key);
      making.then((router) => router.close()).catch(() => {});
    };
    try {
      const router = await making;
      const copied = await Promise.all(
        choices.map(async ({ producer }) => {
          const copy = await this.#copy(producer, router, copies);
          return [producer.id, copy.id] as const;
        }),
      );
      const ids = new Map(copied);
      return { router, producerIdOf: (producer) => ids.get(producer.id)!, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #copy(
    producer: types.Producer,
    router: SfuRouter,
    copies: Map<string, Promise<types.Producer>>,
  ): Promise<types.Producer> {
    const known = copies.get(producer.id);
    if (known !== undefined) return known;
    const making = this.#main.router
      // Both routers are on one worker, where an id must be given once.
      .pipeToRouter({ producerId: producer.id, router: router.router, keepId: false })
      .then((pair) => {
        const copy = pair.pipeProducer!;
        copy.observer.once('close', () => copies.delete(producer.id));
        return copy;
      });
    copies.set(producer.id, making);
    making.catch(() => copies.delete(producer.id));
    return making;
  }
}

/** How consumers of a producer see its codec. */
export function carriedCodec(producer: types.Producer): types.RtpCodecParameters {
  return producer.consumableRtpParameters.codecs[0]!;
}

function toRouterCodec({ producer, payloadType }: PayloadChoice): types.RouterRtpCodecCapability {
  const { mimeType, clockRate, channels, parameters, rtcpFeedback } = carriedCodec(producer);
  return {
    kind: producer.kind,
    mimeType,
    clockRate,
    preferredPayloadType: payloadType,
    ...(channels === undefined ? undefined : { channels }),
    parameters: parameters ?? {},
    rtcpFeedback: rtcpFeedback ?? [],
  };
}
