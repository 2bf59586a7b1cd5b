import { describe, expect, it } from 'vitest';
import type { ChannelView } from '../../../server/live/contract.ts';
import { LiveProblem } from '../sdk/problem.ts';
import { type StageFacts, stageMessage } from './stage-message.ts';

const CHANNEL = { state: 'live', hasAudio: true } as ChannelView;
const PLAYING: StageFacts = {
  state: 'connected',
  problem: undefined,
  channel: CHANNEL,
  audible: true,
  paused: false,
  isDelayedShown: false,
};
const refused = (status: number) => new LiveProblem({ code: 'x', message: 'No.', remedy: '' }, status);

describe('what is written over the picture', () => {
  it('is nothing while all is well', () => {
    expect(stageMessage(PLAYING)).toBeUndefined();
  });

  it('asks for a click when the browser holds the sound back, but not on a channel without sound', () => {
    expect(stageMessage({ ...PLAYING, audible: false })?.action).toBe('sound');
    const silent = { ...CHANNEL, hasAudio: false };
    expect(stageMessage({ ...PLAYING, audible: false, channel: silent })).toBeUndefined();
  });

  it('tells waiting, interruption, reconnection and pause apart', () => {
    const title = (facts: Partial<StageFacts>) => stageMessage({ ...PLAYING, ...facts })?.title;
    expect(title({ channel: { ...CHANNEL, state: 'idle' } })).toBe('Waiting for the broadcast');
    expect(title({ channel: { ...CHANNEL, state: 'interrupted' } })).toBe('The broadcast is interrupted');
    expect(title({ channel: { ...CHANNEL, state: 'interrupted' }, isDelayedShown: true })).toBeUndefined();
    expect(title({ state: 'reconnecting' })).toBe('Reconnecting …');
    expect(title({ paused: true })).toBe('Paused');
  });

  it('says why it does not go on, and what helps', () => {
    const failed = { ...PLAYING, state: 'failed' as const, channel: undefined };
    expect(stageMessage({ ...failed, problem: refused(401) })?.action).toBe('token');
    expect(stageMessage({ ...failed, problem: refused(404) })?.title).toBe('There is no such channel');
    expect(stageMessage({ ...failed, problem: refused(404), channel: CHANNEL })?.title).toBe(
      'This channel is gone',
    );
    expect(stageMessage({ ...failed, problem: refused(0) })?.text).toBe('No.');
  });
});
