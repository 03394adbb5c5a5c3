#!/usr/bin/env node
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { EXIT, runCommandLine } from './command.line.ts';
import { VERSION } from './version.ts';

/** What a command file exports: it adds its command to the program, and loads what that needs when it runs. */
interface CommandFile {
  register(program: Command): void;
}

/** Only the file of the command that was asked for is loaded: the others would cost the start of a server. */
const COMMANDS: Readonly<Record<string, () => Promise<CommandFile>>> = {
  serve: () => import('./serve.command.ts'),
  work: () => import('./work.command.ts'),
  migrate: () => import('./migrate.command.ts'),
  keys: () => import('./keys.command.ts'),
  people: () => import('./people.command.ts'),
  backup: () => import('./backup.command.ts'),
  restore: () => import('./restore.command.ts'),
  pause: () => import('./pause.command.ts'),
  resume: () => import('./resume.command.ts'),
  openapi: () => import('./openapi.command.ts'),
  asyncapi: () => import('./asyncapi.command.ts'),
  import: () => import('./import.command.ts'),
  export: () => import('./export.command.ts'),
  verify: () => import('./verify.command.ts'),
  demo: () => import('./demo.command.ts'),
};

const AFTER_HELP = `
Settings are environment variables, and flags of the commands that use them: \`holdfast serve --help\` lists all.

Exit codes: ${EXIT.ok} done; ${EXIT.refused} refused, or differences were found; ${EXIT.couldNotRun} could not run; ${EXIT.usage} not called correctly.

Examples:
  $ holdfast serve                             a server with its own PostgreSQL, in ./holdfast-data
  $ holdfast serve --port 9090 --workers 2
  $ DATABASE_URL=postgres://… holdfast migrate
  $ holdfast keys create --name shop --scopes reserve
  $ holdfast backup backups/today.tar.gz
`;

/** The command line, with the commands that these words may mean. */
async function buildProgram([name]: readonly string[]): Promise<Command> {
  const program = new Command('holdfast')
    .description('Inventory and reservations that cannot oversell.')
    .version(VERSION, '-v, --version', 'Tell the version.')
    .helpOption('-h, --help', 'Show help.')
    .helpCommand('help [command]', 'Show the help of a command.')
    .addHelpText('after', AFTER_HELP)
    .showHelpAfterError('(add --help for help)')
    .exitOverride();
  const asked = Object.entries(COMMANDS).filter(([known]) => known === name);
  const files = (asked.length === 0 ? Object.entries(COMMANDS) : asked).map(([, load]) => load);
  for (const load of files) (await load()).register(program);
  return program;
}

/**
 * `help keys create` as `keys create --help`. Where a command is not known, Commander would show the help of what is above
 * it and leave it at that: it is given no more than the word that it does not know, and says so.
 */
function wordsOf(program: Command, asked: readonly string[]): readonly string[] {
  let command = program;
  for (const [index, word] of asked.entries()) {
    if (command.commands.length === 0 || word.startsWith('-')) break;
    if (word === 'help') return wordsOf(program, [...asked.slice(0, index), ...asked.slice(index + 1), '--help']);
    const known = command.commands.find((one) => one.name() === word);
    if (known === undefined) return asked.slice(0, index + 1);
    command = known;
  }
  return asked;
}

// What Node compiled (and stripped of types) is kept: 0.3 s of a start's 0.85 s of CPU. Node 20 cannot; a folder that
// cannot be written is no failure.
module.enableCompileCache?.(fileURLToPath(new URL('../../.cache/code', import.meta.url)));
const given = process.argv.slice(2);
const asked = given[0] === 'help' ? [...given.slice(1), '--help'] : given;
const program = await buildProgram(asked);
await runCommandLine(program, wordsOf(program, asked));
