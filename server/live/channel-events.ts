import type { EdgeSocket } from '../http/edge-socket.ts';
import type { DeskEvent, IngestHealth, Notice, OperatorChannel, TextEvent, TickEvent } from './contract.ts';
import type { ViewerSession } from './viewer-session.ts';

/** Who listens to a channel: viewers get what concerns them, desks everything. */
export class ChannelEvents {
  readonly viewers = new Set<ViewerSession>();
  readonly desks = new Set<EdgeSocket<DeskEvent>>();
  /** What a desk that comes later is shown. */
  #recent: TextEvent[] = [];

  addDesk(socket: EdgeSocket<DeskEvent>): () => void {
    this.desks.add(socket);
    for (const event of this.#recent) socket.sendDroppable(event);
    return () => this.desks.delete(socket);
  }

  text(event: TextEvent): void {
    if (event.kind !== 'hypothesis') {
      this.#recent.push(event);
      if (this.#recent.length > RECENT_EVENTS) this.#recent = this.#recent.slice(-RECENT_EVENTS / 2);
    }
    for (const viewer of this.viewers) viewer.text(event);
    for (const desk of this.desks) {
      // A later hypothesis makes the earlier one pointless.
      if (event.kind === 'hypothesis') desk.sendLatest('hypothesis', event);
      else desk.sendDroppable(event);
    }
  }

  tick(event: TickEvent): void {
    for (const viewer of this.viewers) viewer.tick(event);
    for (const desk of this.desks) desk.sendLatest('tick', event);
  }

  notice(event: Notice): void {
    for (const viewer of this.viewers) viewer.notice(event);
    for (const desk of this.desks) desk.sendDroppable(event);
  }

  /** Tells the desks what the channel is like now. */
  toDesks(channel: OperatorChannel): void {
    for (const desk of this.desks) desk.sendLatest('channel', { kind: 'channel', channel });
  }

  health(health: IngestHealth): void {
    for (const desk of this.desks) desk.sendLatest('health', { kind: 'health', health });
  }

  /** A programme begins: what was said before is another one's. */
  forget(): void {
    this.#recent = [];
    for (const viewer of this.viewers) viewer.forget();
  }

  closeAll(code: number, reason: string): void {
    for (const viewer of [...this.viewers]) viewer.end(code, reason);
    for (const desk of [...this.desks]) desk.close(code, reason);
  }
}

const RECENT_EVENTS = 200;
