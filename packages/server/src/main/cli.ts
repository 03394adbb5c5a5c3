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

/** The command line, with the commands that `argv` may mean. */
async function buildProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command('holdfast')
    .description('Inventory and reservations that cannot oversell.')
    .version(VERSION, '-v, --version', 'Tell the version.')
    .helpOption('-h, --help', 'Show help.')
    .helpCommand('help [command]', 'Show the help of a command.')
    .addHelpText('after', AFTER_HELP)
    .showHelpAfterError('(add --help for help)')
    .exitOverride();
  const asked = Object.entries(COMMANDS).filter(([name]) => name === argv[2]);
  const files = (asked.length === 0 ? Object.entries(COMMANDS) : asked).map(([, load]) => load);
  for (const load of files) (await load()).register(program);
  return program;
}

// What Node compiled (and stripped of types) is kept: 0.3 s of a start's 0.85 s of CPU. Node 20 cannot; a folder that
// cannot be written is no failure.
module.enableCompileCache?.(fileURLToPath(new URL('../../.cache/code', import.meta.url)));
await runCommandLine(await buildProgram(process.argv), process.argv);
