#!/usr/bin/env node
// npm test: set-up with what tests need, then every check in turn. Words after -- go to vitest.
import { onGoodNode } from '../setup/node-version.mjs';

onGoodNode(async () => {
  const { setUp } = await import('../setup/setup.mjs');
  const code = await setUp({ tests: true });
  if (code !== 0) {
    console.log('0 passed, 1 failed');
    process.exit(code);
  }
  const { runChecks } = await import('../setup/checks.mjs');
  process.exitCode = await runChecks(process.argv.slice(2));
});
