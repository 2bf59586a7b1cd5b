import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';

export interface LossyRelayOptions {
  /** Where packets go, on this machine. */
  readonly targetPort: number;
  /** Share of packets lost in each direction, 0…1. Default 0. */
  readonly loss?: number;
  /** How many packets in a row a loss takes. Default 1. */
  readonly burst?: number;
  /** Longest extra delay, ms; each packet has its own, so that they overtake each other. Default 0. */
  readonly jitterMs?: number;
  /** Seed of the dice. Default 1. */
  readonly seed?: number;
}

/** A bad network for tests: a UDP port of this machine in front of another. */
export class LossyRelay {
  readonly port: number;
  readonly #front: Socket;
  readonly #options: LossyRelayOptions;
  readonly #dice: () => number;
  /** One socket towards the target for each address a client sends from, so that answers find back. */
  readonly #backs = new Map<string, Socket>();
  #toLose = 0;
  #lost = 0;
  #passed = 0;
  #closed = false;

  private constructor(front: Socket, options: LossyRelayOptions) {
    this.#front = front;
    this.port = front.address().port;
    this.#options = options;
    this.#dice = createDice(options.seed ?? 1);
    front.on('message', (packet, from) => {
      const back = this.#backOf(from);
      this.#forward(() => back.send(packet, options.targetPort, '127.0.0.1'));
    });
  }

  static async open(options: LossyRelayOptions): Promise<LossyRelay> {
    return new LossyRelay(await bind(), options);
  }

  get lost(): number {
    return this.#lost;
  }

  get passed(): number {
    return this.#passed;
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const socket of [this.#front, ...this.#backs.values()]) socket.close();
  }

  #backOf(client: RemoteInfo): Socket {
    const key = `${client.address}:${client.port}`;
    let back = this.#backs.get(key);
    if (back === undefined) {
      back = createSocket('udp4');
      back.on('message', (packet) => {
        this.#forward(() => this.#front.send(packet, client.port, client.address));
      });
      this.#backs.set(key, back);
    }
    return back;
  }

  #forward(send: () => void): void {
    const { loss = 0, burst = 1, jitterMs = 0 } = this.#options;
    if (this.#toLose === 0 && this.#dice() < loss / burst) this.#toLose = burst;
    if (this.#toLose > 0) {
      this.#toLose -= 1;
      this.#lost += 1;
      return;
    }
    this.#passed += 1;
    if (jitterMs === 0) {
      send();
      return;
    }
    setTimeout(() => {
      if (!this.#closed) send();
    }, this.#dice() * jitterMs);
  }
}

function bind(): Promise<Socket> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => socket.bind(0, '127.0.0.1', () => resolve(socket)));
}

/** A linear congruential generator: the same losses in every run. */
function createDice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}
