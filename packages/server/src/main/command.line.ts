import { CommanderError, type Command } from 'commander';
import { Problem } from '../kernel/problem.ts';

/** What scripts can rely on; `--help` lists them. */
export const EXIT = {
  ok: 0,
  /** A refusal, or differences were found. */
  refused: 1,
  /** The database is not there, a file cannot be read, the configuration is not valid, … */
  couldNotRun: 2,
  /** Unknown commands and flags, values that are missing (EX_USAGE of sysexits.h). */
  usage: 64,
} as const;

/** A refusal of a command's own: its message is for the person at the terminal. */
export class CommandRefused extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.refused) {
    super(message);
    this.name = 'CommandRefused';
    this.exitCode = exitCode;
  }
}

/** Runs the command that these words name, and sets the exit code. What goes wrong is told in one paragraph on stderr. */
export async function runCommandLine(program: Command, words: readonly string[]): Promise<void> {
  const output = watchOutput();
  try {
    await program.parseAsync(words, { from: 'user' });
    await output.written();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said what is wrong; help that was asked for is no error.
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
      return;
    }
    process.exitCode = exitCodeOf(error);
    // It knows the errors of every layer, none of which a command that goes well need load.
    const { explainFailure } = await import('./failure.message.ts');
    process.stderr.write(`holdfast: ${explainFailure(error)}\n`);
  }
}

/** What is printed may be lost, as on a full disk: without a listener that would end the process where it stands. */
function watchOutput(): { written(): Promise<void> } {
  let failure: Error | null = null;
  process.stdout.on('error', (error: Error) => (failure ??= error));
  process.stderr.on('error', () => undefined);
  return {
    written: async () => {
      await new Promise<void>((done) => void process.stdout.write('', () => done()));
      if (failure !== null && !isPipeClosed(failure)) throw failure;
    },
  };
}

/** Whoever reads our output may have enough of it, as `head` does: then the rest is not wanted, and all is well. */
export function isPipeClosed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommandRefused) return error.exitCode;
  // By name: its class would bring the database's launcher with it.
  if (error instanceof Error && error.name === 'BackupRefused') return EXIT.refused;
  return error instanceof Problem && error.status < 500 ? EXIT.refused : EXIT.couldNotRun;
}
