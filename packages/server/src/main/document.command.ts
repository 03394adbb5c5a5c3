import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { CommandRefused } from './command.line.ts';

/** A document of the API that is made from the code, and kept as a file of the package. */
export interface GeneratedDocument {
  /** The command's, such as `openapi`; the file is `openapi.json`. */
  name: string;
  /** Such as `OpenAPI 3.1`. */
  kind: string;
  /** Where a running server has it. */
  served: string;
  /** The same whatever the environment says. */
  make: () => Promise<object>;
}

interface DocumentOptions {
  write?: true;
  check?: true;
}

/** A command that prints the document, writes it to its file, or says whether the two differ. */
export function registerDocument(program: Command, document: GeneratedDocument): void {
  const { name, kind, served } = document;
  program
    .command(name)
    .summary(`print the ${kind.replace(/ [\d.]+$/, '')} document`)
    .description(`Prints the ${kind} document of this version. It needs no database.`)
    .option('--write', `Write it to the package's ${name}.json instead.`)
    .option('--check', `Compare it with the package's ${name}.json instead.`)
    .addHelpText('after', helpOf(name, served))
    .action((options: DocumentOptions) => run(document, options));
}

function helpOf(name: string, served: string): string {
  return `
A running server serves the same document at ${served}

Exit codes: 0 done, or the file is up to date; 1 the file differs (--check); 2 could not run; 64 not called correctly.

Examples:
  $ holdfast ${name} > ${name}.json
  $ holdfast ${name} --check
`;
}

async function run({ name, make }: GeneratedDocument, { write, check }: DocumentOptions): Promise<void> {
  const file = fileURLToPath(new URL(`../../${name}.json`, import.meta.url));
  const text = `${JSON.stringify(await make(), null, 2)}\n`;
  if (write === true) {
    await writeFile(file, text);
    return;
  }
  if (check !== true) {
    process.stdout.write(text);
    return;
  }
  const known = await readFile(file, 'utf8').catch(() => '');
  if (known === text) return;
  const where = whereOf(known, text);
  throw new CommandRefused(`${name}.json differs from the routes${where}: run \`holdfast ${name} --write\`.`);
}

/** The first line in which two texts differ. */
function whereOf(known: string, text: string): string {
  const lines = text.split('\n');
  const index = known.split('\n').findIndex((line, number) => line !== lines[number]);
  return known === '' || index < 0 ? '' : ` from line ${index + 1} on`;
}
