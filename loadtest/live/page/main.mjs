// What the bench does in its browser pages: every function is called from outside by its name.
import * as desk from './desk.mjs';
import { watchConnections } from './packet-watch.mjs';
import * as publishing from './publish.mjs';
import * as viewing from './view.mjs';

watchConnections();
globalThis.bench = { ...publishing, ...viewing, ...desk };
