import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { CommandRefused } from './command.line.ts';

const FILE = fileURLToPath(new URL('../../openapi.json', import.meta.url));

const AFTER_HELP = `
A running server serves the same document at /openapi.json, and a page of it at /docs.

Exit codes: 0 done, or the file is up to date; 1 the file differs (--check); 2 could not run; 64 not called correctly.

Examples:
  $ holdfast openapi > openapi.json
  $ holdfast openapi --check
`;

interface OpenApiOptions {
  write?: true;
  check?: true;
}

export function register(program: Command): void {
  program
    .command('openapi')
    .summary('print the OpenAPI document')
    .description('Prints the OpenAPI 3.1 document of this version. It needs no database.')
    .option('--write', "Write it to the package's openapi.json instead.")
    .option('--check', "Compare it with the package's openapi.json instead.")
    .addHelpText('after', AFTER_HELP)
    .action(run);
}

async function run({ write, check }: OpenApiOptions): Promise<void> {
  const text = await documentText();
  if (write === true) {
    await writeFile(FILE, text);
    return;
  }
  if (check !== true) {
    process.stdout.write(text);
    return;
  }
  const known = await readFile(FILE, 'utf8').catch(() => '');
  if (known !== text)
    throw new CommandRefused(
      `openapi.json differs from the routes${whereOf(known, text)}: run \`holdfast openapi --write\`.`,
    );
}

/** The document of the routes, whatever the environment says. */
async function documentText(): Promise<string> {
  const { loadConfig } = await import('../platform/config/index.ts');
  const { openApiDocument } = await import('../platform/http/index.ts');
  const { createLogger } = await import('../platform/log/index.ts');
  const { openDatabase } = await import('./installation.ts');
  const { createServer } = await import('./server.ts');
  const log = createLogger('warn');
  const database = openDatabase({ connection: {}, log });
  const server = await createServer({ config: loadConfig({}), log, database, runtimeMetrics: false });
  try {
    return `${JSON.stringify(openApiDocument(server.app), null, 2)}\n`;
  } finally {
    await server.close();
    await database.close();
  }
}

/** The first line in which two texts differ. */
function whereOf(known: string, text: string): string {
  const lines = text.split('\n');
  const index = known.split('\n').findIndex((line, number) => line !== lines[number]);
  return known === '' || index < 0 ? '' : ` from line ${index + 1} on`;
}
