// What the bench does in its browser pages: every function is called from outside by its name.
import { deskEvents, openDesk } from './desk.mjs';
import { watchPackets } from './packet-watch.mjs';
import { publish, unpublish } from './publish.mjs';
import { endRecording } from './record.mjs';
import {
  buffers,
  join,
  leave,
  levels,
  listen,
  look,
  pictures,
  recordTrack,
  restart,
  switches,
  view,
} from './view.mjs';

globalThis.bench = {
  buffers,
  deskEvents,
  endRecording,
  join,
  leave,
  levels,
  listen,
  look,
  openDesk,
  pictures,
  publish,
  recordTrack,
  restart,
  switches,
  unpublish,
  view,
  watchPackets,
};
