import type { Command } from 'commander';
import { addSettings } from './settings.options.ts';

const AFTER_HELP = `
Ends what \`holdfast pause\` began, and what every restore begins with. Webhooks are sent what they missed; of the ticks
that jobs missed each job makes up for as many as it is set to.

On a copy that stays one, first disable the webhooks and the jobs that are the original's.

Exit codes: 0 done, also where nothing was paused; 2 could not run; 64 not called correctly.

Example:
  $ holdfast resume --data /var/lib/holdfast
`;

export function register(program: Command): void {
  const command = program
    .command('resume')
    .summary('send to webhooks and run jobs again')
    .description('Lets a paused installation, such as one that was restored, send to webhooks and run jobs again.')
    .addHelpText('after', AFTER_HELP)
    .action(() => run(command));
  addSettings(command);
}

async function run(command: Command): Promise<void> {
  const { runAttached } = await import('./attached.command.ts');
  const { readPause, resume } = await import('../platform/database/index.ts');
  await runAttached(command, async ({ database }) => {
    const before = await readPause(database.kysely);
    await resume(database.kysely);
    return { value: null, text: before === null ? 'It was not paused.\n' : 'Resumed.\n' };
  });
}
