import { html, LitElement } from 'lit';
import type { OperatorChannel } from '../../../server/live/contract.ts';
import { asProblem, type LiveProblem } from '../sdk/problem.ts';
import type { RestClient } from '../sdk/rest-client.ts';
import { problemBox } from '../ui/parts.ts';
import { sharedStyles } from '../ui/shared-styles.ts';

/** One part of a channel's desk: shows a side of the channel and changes it over REST. */
export abstract class DeskCard extends LitElement {
  static override properties = {
    channel: { attribute: false },
    rest: { attribute: false },
    problem: { state: true },
    busy: { state: true },
  };

  declare channel: OperatorChannel;
  declare rest: RestClient;
  declare problem: LiveProblem | undefined;
  declare busy: boolean;

  constructor() {
    super();
    this.busy = false;
  }

  /** Address of the channel, or of something of it. */
  protected path(below = ''): string {
    return `/v1/channels/${this.channel.id}${below}`;
  }

  /** Does one thing at the server; what goes wrong is shown on this card. @returns whether it went well */
  protected async act(method: string, path: string, body?: unknown): Promise<boolean> {
    this.busy = true;
    this.problem = undefined;
    try {
      const answer = await this.rest.send<unknown>(method, path, body);
      if (isChannel(answer)) {
        this.dispatchEvent(new CustomEvent('channel', { detail: answer, bubbles: true, composed: true }));
      }
      return true;
    } catch (error) {
      this.problem = asProblem(error);
      if (this.problem.status === 401) refuse(this, this.problem);
      return false;
    } finally {
      this.busy = false;
    }
  }

  protected problemLine() {
    return html`${problemBox(this.problem)}`;
  }

  static override styles: typeof sharedStyles | (typeof sharedStyles)[] = sharedStyles;
}

/** Tells the page that a token is needed. */
export function refuse(from: HTMLElement, problem: LiveProblem): void {
  from.dispatchEvent(new CustomEvent('refused', { detail: problem.message, bubbles: true, composed: true }));
}

function isChannel(answer: unknown): answer is OperatorChannel {
  return typeof answer === 'object' && answer !== null && 'settings' in answer && 'renditions' in answer;
}
