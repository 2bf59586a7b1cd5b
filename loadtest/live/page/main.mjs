// What the bench does in its browser pages: every function is called from outside by its name.
import * as desk from './desk.mjs';
import { watchPackets } from './packet-watch.mjs';
import * as publishing from './publish.mjs';
import * as viewing from './view.mjs';

globalThis.bench = { ...publishing, ...viewing, ...desk, watchPackets };
