/** A viewer of live channels without a user interface; the player is built on it. */
export { type CaptionChoice, CaptionTimeline, type CaptionView } from './caption-timeline.ts';
export {
  LiveChannel,
  type LiveChannelEvents,
  type LiveChannelOptions,
  type LiveChannelState,
} from './live-channel.ts';
export { LiveProblem } from './problem.ts';
export type { ReceiveStats, TrackStats } from './receive-stats.ts';
export { type Selection, selectedTracks } from './selection.ts';
export { SoundMixer } from './sound-mixer.ts';
