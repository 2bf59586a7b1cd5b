import type { ChannelView } from '../../../server/live/contract.ts';
import type { LiveChannelState } from '../sdk/live-channel.ts';
import type { LiveProblem } from '../sdk/problem.ts';

export interface StageMessage {
  readonly title: string;
  readonly text: string;
  readonly busy?: boolean;
  readonly action?: 'retry' | 'token' | 'sound' | 'play';
}

export interface StageFacts {
  readonly state: LiveChannelState;
  readonly problem: LiveProblem | undefined;
  readonly channel: ChannelView | undefined;
  readonly audible: boolean;
  readonly paused: boolean;
  /** A picture that comes later than live still does. */
  readonly isDelayedShown: boolean;
}

/** What is written over the picture; undefined while it speaks for itself. */
export function stageMessage(facts: StageFacts): StageMessage | undefined {
  const { state, problem, channel } = facts;
  if (state === 'failed') return failure(problem, channel);
  if (state === 'connecting') return { title: 'Connecting …', text: '', busy: true };
  if (state === 'reconnecting') {
    return {
      title: 'Reconnecting …',
      text: problem?.message ?? 'The connection to the server was lost. It comes back by itself.',
      busy: true,
      action: 'retry',
    };
  }
  if (channel?.state === 'idle') {
    return { title: 'Waiting for the broadcast', text: 'It begins here by itself.', busy: true };
  }
  if (channel?.state === 'interrupted' && !facts.isDelayedShown) {
    return {
      title: 'The broadcast is interrupted',
      text: 'It goes on here by itself when the broadcaster is back.',
      busy: true,
    };
  }
  if (facts.paused) return { title: 'Paused', text: 'Goes on at the live edge.', action: 'play' };
  if (!facts.audible && channel?.hasAudio) {
    return { title: 'Tap for sound', text: '', action: 'sound' };
  }
  return undefined;
}

function failure(problem: LiveProblem | undefined, channel: ChannelView | undefined): StageMessage {
  if (problem?.status === 401 || problem?.status === 403) {
    return {
      title: 'This channel is private',
      text: 'Open it with the link that the broadcaster gave you, or paste the token here.',
      action: 'token',
    };
  }
  if (problem?.status === 404 && channel) {
    return { title: 'This channel is gone', text: 'The broadcaster has removed it.' };
  }
  if (problem?.status === 404) {
    return { title: 'There is no such channel', text: 'Check the address.', action: 'retry' };
  }
  const text = [problem?.message, problem?.remedy].filter(Boolean).join(' ');
  return { title: 'This does not work here', text: text || 'The server refused.', action: 'retry' };
}
