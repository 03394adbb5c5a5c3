import type { Command } from 'commander';
import type { CommandMeta } from '../kernel/command.ts';
import type { NewApiKeyBody } from '../modules/api-keys/index.ts';
import { runAttached, type Told } from './attached.command.ts';
import { CommandRefused } from './command.line.ts';
import type { Installation } from './installation.ts';
import { addSettings } from './settings.options.ts';
import { textTable } from './text.table.ts';

const AFTER_HELP = `
Works beside a running server, which knows of a new key at once and refuses a revoked one within a second.

Exit codes: 0 done; 1 refused (an unknown scope, no such key, the last admin key); 2 could not run; 64 not called
correctly.

Examples:
  $ holdfast keys create --name "web shop" --scopes reserve
  $ holdfast keys create --name ops --scopes admin --expires 2027-01-01T00:00:00Z --json
  $ holdfast keys list
  $ holdfast keys revoke 0192f0c1-2345-7abc-8def-0123456789ab
`;

/** As the ledger and the audit name who did it. */
const META: CommandMeta = { actor: 'system:command-line', requestId: '', idempotency: null };

const PAGE = 200;
const NAME_MAX = 200;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface CreateOptions {
  name: string;
  scopes: string;
  expires?: string;
}

export function register(program: Command): void {
  const keys = program
    .command('keys')
    .summary('make, list and revoke API keys')
    .description('Makes, lists and revokes API keys.')
    .addHelpText('after', AFTER_HELP);
  const create = keys
    .command('create')
    .description('Makes a key and prints it: this once, for only its hash is kept.')
    .requiredOption('--name <text>', 'What it is for.')
    .requiredOption('--scopes <list>', 'By comma: read, reserve, stock, ingest, notify, files, limit, admin.')
    .option('--expires <time>', 'When it ends, such as 2027-01-01T00:00:00Z. Absent: never.');
  const list = keys.command('list').description('Lists the keys that are in use, newest first.');
  const revoke = keys
    .command('revoke')
    .description('Revokes a key: servers refuse it within a second.')
    .argument('<id>', 'Its id, as `keys list` tells it.');
  for (const command of [create, list, revoke]) {
    command.option('--json', 'Print JSON, as the API answers.');
    addSettings(command);
  }
  create.action((options: CreateOptions) => runAttached(create, (open) => createKey(open, options)));
  list.action(() => runAttached(list, listKeys));
  revoke.action((id: string) => runAttached(revoke, (open) => revokeKey(open, id)));
}

async function createKey(installation: Installation, options: CreateOptions): Promise<Told> {
  const { createApiKey } = await import('../modules/api-keys/index.ts');
  const answer = await createApiKey(await depsOf(installation), await parseNewKey(options), META);
  const value = JSON.parse(answer.body ?? 'null') as { key: string };
  return { value, text: `${value.key}\n` };
}

async function listKeys({ database }: Installation): Promise<Told> {
  const { pageOfApiKeys } = await import('../modules/api-keys/index.ts');
  const items = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof pageOfApiKeys>> = await pageOfApiKeys(database, {
      limit: PAGE,
      sort: '-createdAt',
      ...(cursor === null ? {} : { cursor }),
    });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  const rows = items.map((key) => [
    key.id,
    key.prefix,
    key.scopes.join(','),
    key.expiresAt ?? 'never',
    key.lastUsedAt ?? 'never',
    key.name,
  ]);
  return { value: { items }, text: textTable([['ID', 'PREFIX', 'SCOPES', 'EXPIRES', 'LAST USED', 'NAME'], ...rows]) };
}

async function revokeKey(installation: Installation, id: string): Promise<Told> {
  if (!UUID.test(id)) throw new CommandRefused(`${JSON.stringify(id)} is no key's id: \`keys list\` tells them.`);
  const { removeApiKey } = await import('../modules/api-keys/index.ts');
  await removeApiKey(await depsOf(installation), id.toLowerCase(), META);
  return { value: { id, revoked: true }, text: `Revoked ${id}.\n` };
}

/** @throws CommandRefused, in the words of the command line */
async function parseNewKey({ name, scopes, expires }: CreateOptions): Promise<NewApiKeyBody> {
  const { isScope, SCOPES } = await import('../platform/auth/index.ts');
  const { parseTimestamp } = await import('../platform/http/index.ts');
  const given = [...new Set(scopes.split(',').map((scope) => scope.trim()))];
  const unknown = given.filter((scope) => !isScope(scope));
  if (unknown.length > 0) {
    throw new CommandRefused(`There is no scope ${unknown.join(', ')}; there are ${SCOPES.join(', ')}.`);
  }
  if (name.trim() === '' || name.length > NAME_MAX) {
    throw new CommandRefused(`--name must have 1 to ${NAME_MAX} characters.`);
  }
  if (expires !== undefined && parseTimestamp(expires) === null) {
    throw new CommandRefused('--expires must be a time in RFC 3339, such as 2027-01-01T00:00:00Z.');
  }
  return { name, scopes: given.filter(isScope), ...(expires === undefined ? {} : { expiresAt: expires }) };
}

/** Servers that run look keys up themselves: there is nobody to tell. */
async function depsOf({ database }: Installation) {
  const { StockEngine } = await import('../engine/index.ts');
  const keys = { keyCreated: () => undefined, keyChanged: () => undefined };
  return { engine: new StockEngine(database, { defaultTtlMs: 0 }), keys };
}
