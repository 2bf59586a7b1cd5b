#!/usr/bin/env node
// npm start: set-up, then the server.
import { onGoodNode } from '../setup/node-version.mjs';

// A file to dub lies where npm was called, not in the project's folder.
if (process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);

onGoodNode(async () => {
  const { setUp } = await import('../setup/setup.mjs');
  const code = await setUp();
  if (code !== 0) process.exit(code);
  const { launch } = await import('../setup/launch.mjs');
  await launch(['serve', ...process.argv.slice(2)]);
});
