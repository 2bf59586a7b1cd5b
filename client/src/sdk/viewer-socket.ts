import type { ViewerEvent, ViewerRequest } from '../../../server/live/contract.ts';
import { LiveProblem } from './problem.ts';

type WithoutNumber<T> = T extends unknown ? Omit<T, 'request'> : never;
/** A request to the server before it has its number. */
export type ViewerAsk = WithoutNumber<ViewerRequest>;
type ViewerAnswer = Extract<ViewerEvent, { request?: number | undefined }>;

export interface ViewerSocketOptions {
  readonly address: URL;
  /** Everything that is not an answer to a request. */
  readonly onEvent: (event: ViewerEvent) => void;
  /** Once, however it ends. */
  readonly onClose: (code: number) => void;
  /** How long an answer may take, ms. Default 10 000. */
  readonly answerWithinMs?: number;
}

interface Waiting {
  readonly resolve: (answer: ViewerAnswer) => void;
  readonly reject: (problem: LiveProblem) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** The viewer's WebSocket: numbered requests with answers, and events. */
export class ViewerSocket {
  readonly #socket: WebSocket;
  readonly #options: ViewerSocketOptions;
  readonly #waiting = new Map<number, Waiting>();
  #lastRequest = 0;
  #closed = false;

  constructor(options: ViewerSocketOptions) {
    this.#options = options;
    this.#socket = new WebSocket(options.address);
    this.#socket.onmessage = (message) => this.#receive(JSON.parse(String(message.data)) as ViewerEvent);
    this.#socket.onclose = (event) => this.#end(event.code);
  }

  /** @throws LiveProblem the server's refusal, or that it did not answer */
  ask(question: ViewerAsk): Promise<ViewerAnswer> {
    if (this.#closed || this.#socket.readyState !== WebSocket.OPEN) return Promise.reject(gone());
    this.#lastRequest += 1;
    const request = this.#lastRequest;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(request);
        reject(gone());
      }, this.#options.answerWithinMs ?? 10_000);
      this.#waiting.set(request, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ ...question, request }));
    });
  }

  close(): void {
    this.#socket.close();
    this.#end(1000);
  }

  #receive(event: ViewerEvent): void {
    if (this.#closed) return;
    const request = 'request' in event ? event.request : undefined;
    const waiting = request === undefined ? undefined : this.#waiting.get(request);
    if (request === undefined || !waiting) {
      this.#options.onEvent(event);
      return;
    }
    this.#waiting.delete(request);
    clearTimeout(waiting.timer);
    if (event.kind === 'error') waiting.reject(new LiveProblem(event.problem));
    else waiting.resolve(event as ViewerAnswer);
  }

  #end(code: number): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(gone());
    }
    this.#waiting.clear();
    this.#options.onClose(code);
  }
}

function gone(): LiveProblem {
  return new LiveProblem({
    code: 'LIVEDUB_E_UNREACHABLE',
    message: 'The connection to the server is gone.',
    remedy: 'It comes back by itself.',
  });
}
