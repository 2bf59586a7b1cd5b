#!/usr/bin/env node
// The livedub command. Sets up first where that has never been done.
import { onGoodNode } from '../setup/node-version.mjs';

// npm runs scripts in the project's folder; the files that a person names lie where npm was called.
if (process.env.npm_lifecycle_event && process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);

onGoodNode(async () => {
  const { setUp, wasSetUp } = await import('../setup/setup.mjs');
  const args = process.argv.slice(2);
  // doctor says itself what is missing: it needs no more than its own code.
  const only = args[0] === 'doctor' ? ['npm'] : undefined;
  const code = wasSetUp() ? 0 : await setUp({ only });
  if (code !== 0) process.exit(code);
  const { launch } = await import('../setup/launch.mjs');
  await launch(args);
});
