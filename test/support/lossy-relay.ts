import { createSocket, type Socket } from 'node:dgram';
import type { AddressInfo } from 'node:net';

export interface LossyRelayOptions {
  /** UDP port of this machine that packets go to. */
  readonly targetPort: number;
  /** Share of packets lost, each way, 0…1. Default 0. */
  readonly loss?: number;
  /** Mean number of packets that are lost in a row. Default 3. */
  readonly meanBurst?: number;
  /** Extra delay of each packet, ms, at random between 0 and this: more than the time between two packets reorders. Default 0. */
  readonly jitterMs?: number;
  /** Default 1: the same dice in every run. */
  readonly seed?: number;
}

interface Client {
  readonly socket: Socket;
  readonly port: number;
}

/**
 * A bad network on loopback: UDP in, UDP out to one port, with losses in bursts (two states, good and bad), jitter and
 * reordering both ways, and with blackouts on request.
 */
export class LossyRelay {
  readonly #options: Required<LossyRelayOptions>;
  readonly #front: Socket;
  readonly #clients = new Map<number, Promise<Client>>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #isBad = { up: false, down: false };
  #random: number;
  #isDark = false;
  #closed = false;
  /** Packets that were let through and that were lost. */
  readonly counts = { passed: 0, lost: 0 };

  private constructor(options: LossyRelayOptions, front: Socket) {
    this.#options = { loss: 0, meanBurst: 3, jitterMs: 0, seed: 1, ...options };
    this.#random = this.#options.seed;
    this.#front = front;
    front.on('message', (packet, from) => void this.#up(packet, from.port));
  }

  static async open(options: LossyRelayOptions): Promise<LossyRelay> {
    return new LossyRelay(options, await bound());
  }

  /** Where clients send to. */
  get port(): number {
    return (this.#front.address() as AddressInfo).port;
  }

  /** Nothing gets through until it is set to false again. */
  set dark(isDark: boolean) {
    this.#isDark = isDark;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#front.close();
    for (const client of this.#clients.values()) (await client).socket.close();
  }

  async #up(packet: Buffer, port: number): Promise<void> {
    let client = this.#clients.get(port);
    if (client === undefined) {
      client = this.#connect(port);
      this.#clients.set(port, client);
    }
    const { socket } = await client;
    this.#pass('up', () => socket.send(packet, this.#options.targetPort, '127.0.0.1'));
  }

  async #connect(port: number): Promise<Client> {
    const socket = await bound();
    socket.on('message', (packet) => this.#pass('down', () => this.#front.send(packet, port, '127.0.0.1')));
    return { socket, port };
  }

  #pass(way: 'up' | 'down', send: () => void): void {
    const { loss, meanBurst, jitterMs } = this.#options;
    // Gilbert's model: from bad to good once in `meanBurst` packets, from good to bad so that `loss` of them are lost.
    const leavesBad = 1 / meanBurst;
    const entersBad = loss === 0 ? 0 : (leavesBad * loss) / (1 - loss);
    this.#isBad[way] = this.#isBad[way] ? this.#roll() >= leavesBad : this.#roll() < entersBad;
    if (this.#isDark || this.#isBad[way]) {
      this.counts.lost += 1;
      return;
    }
    this.counts.passed += 1;
    if (jitterMs === 0) {
      send();
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#closed) send();
    }, this.#roll() * jitterMs);
    this.#timers.add(timer);
  }

  /** 0…1, of a linear congruential generator (modulus 2³²). */
  #roll(): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0;
    return this.#random / 2 ** 32;
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return socket;
}
