import { InvalidArgumentError, type Command } from 'commander';
import { addSettings } from './settings.options.ts';

const AFTER_HELP = `
For a copy that must not do by itself what the original does, and for the hour in which receivers must be left alone.
All instances and workers heed it within a second; what is under way comes to its end. Stock is served as ever, and
holds expire. Nothing is lost by it: webhooks are sent what they missed when it is over, as far as the stream goes back.

Exit codes: 0 done, also where it was paused; 2 could not run; 64 not called correctly.

Examples:
  $ holdfast pause
  $ DATABASE_URL=postgres://… holdfast pause --because "staging, a copy of last night"
`;

const BECAUSE_MAX = 200;

export function register(program: Command): void {
  const command = program
    .command('pause')
    .summary('send nothing to webhooks and run no jobs, until resume')
    .description('Pauses webhooks and jobs of the whole installation, until `holdfast resume`.')
    .option('--because <text>', 'Why, as log and dashboard show it.', reason, 'asked for on the command line')
    .addHelpText('after', AFTER_HELP)
    .action(() => run(command));
  addSettings(command);
}

async function run(command: Command): Promise<void> {
  const { runAttached } = await import('./attached.command.ts');
  const { pause, readPause } = await import('../platform/database/index.ts');
  const { toRfc3339 } = await import('../kernel/clock.ts');
  await runAttached(command, async ({ database }) => {
    await pause(database.kysely, command.opts<{ because: string }>().because);
    const now = await readPause(database.kysely);
    if (now === null) throw new Error('somebody resumed at the same moment');
    const text = `Paused since ${toRfc3339(now.sinceMs)}: ${now.because}.\n`;
    return { value: now, text };
  });
}

function reason(text: string): string {
  if (text.trim() !== '' && text.length <= BECAUSE_MAX) return text;
  throw new InvalidArgumentError(`It must have 1 to ${BECAUSE_MAX} characters.`);
}
