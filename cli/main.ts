import { Command, CommanderError } from 'commander';
import { LivedubError } from '../pipeline/errors.ts';
import { printError } from './print-error.ts';

/** A command's module is loaded only when it is called, or when all of them are to be listed. */
interface CommandEntry {
  readonly name: string;
  readonly register: (program: Command) => Promise<void>;
  readonly hidden?: boolean;
}

const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'serve',
    register: async (program) => (await import('./commands/serve.ts')).registerServe(program),
  },
  { name: 'dub', register: async (program) => (await import('./commands/dub.ts')).registerDub(program) },
  {
    name: 'verify',
    register: async (program) => (await import('./commands/verify.ts')).registerVerify(program),
  },
  { name: 'keys', register: async (program) => (await import('./commands/keys.ts')).registerKeys(program) },
  {
    name: 'token',
    register: async (program) => (await import('./commands/token.ts')).registerToken(program),
  },
  {
    name: 'replay',
    register: async (program) => (await import('./commands/replay.ts')).registerReplay(program),
  },
  {
    name: 'models',
    register: async (program) => (await import('./commands/models.ts')).registerModels(program),
  },
  {
    name: 'doctor',
    register: async (program) => (await import('./commands/doctor.ts')).registerDoctor(program),
  },
  {
    name: 'bench',
    register: async (program) => (await import('../loadtest/bench.ts')).registerBench(program),
  },
  {
    name: 'worker',
    hidden: true,
    register: async (program) => (await import('./commands/worker.ts')).registerWorker(program),
  },
  {
    name: 'live-worker',
    hidden: true,
    register: async (program) => (await import('./commands/live-worker.ts')).registerLiveWorker(program),
  },
];

/** The `livedub` command. @param args words after the command's name @returns exit code: 1 failed, 2 used wrongly */
async function main(args: readonly string[]): Promise<number> {
  const program = new Command('livedub')
    .description('Realtime streaming dubbing: video in, dubbed tracks out.')
    .configureOutput({ writeErr: () => {} })
    .exitOverride();
  const called = COMMANDS.find((command) => command.name === args[0]);
  const wanted = called ? [called] : COMMANDS.filter((command) => !command.hidden);
  try {
    for (const command of wanted) await command.register(program);
    for (const command of program.commands) {
      command.exitOverride().configureOutput({ writeErr: () => {} });
      for (const inner of command.commands) inner.exitOverride().configureOutput({ writeErr: () => {} });
    }
    if (args.length === 0) {
      process.stdout.write(program.helpInformation());
      return 2;
    }
    await program.parseAsync([...args], { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return usageError(thrown, program);
    printError(thrown);
    return thrown instanceof LivedubError && thrown.code === 'LIVEDUB_E_USAGE' ? 2 : 1;
  }
}

function usageError(error: CommanderError, program: Command): number {
  if (error.exitCode === 0) return 0;
  if (error.code === 'commander.help') {
    process.stdout.write(program.helpInformation());
    return 2;
  }
  const message = error.message.replace(/^error: /, '');
  printError(new LivedubError('LIVEDUB_E_USAGE', message));
  return 2;
}

// A reader such as `head` that has enough is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (thrown: unknown) => {
    printError(thrown);
    process.exit(1);
  });
}

process.exitCode = await main(process.argv.slice(2));
// Whatever a library still holds open must not keep a finished command alive.
setTimeout(() => process.exit(), 2_000).unref();
