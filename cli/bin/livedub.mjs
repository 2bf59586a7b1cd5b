#!/usr/bin/env node
// The livedub command. Sets up first where that has never been done.
import { onGoodNode } from '../setup/node-version.mjs';

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
