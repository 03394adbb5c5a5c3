import type { Command } from 'commander';
import type { Answer, CommandMeta } from '../kernel/command.ts';
import type { PeopleDeps, PersonView } from '../modules/people/index.ts';
import { runAttached, type Told } from './attached.command.ts';
import { CommandRefused } from './command.line.ts';
import type { Installation } from './installation.ts';
import { askNewPassword } from './password.prompt.ts';
import { addSettings } from './settings.options.ts';
import { textTable } from './text.table.ts';

const AFTER_HELP = `
A password is asked for at the terminal, which does not show it, or is the first line of what is piped in.
Works beside a running server, which knows of every change within a second. This is also the way back in when an admin
forgot the password, or disabled everybody else.

Exit codes: 0 done; 1 refused (a weak password, an unknown scope, no such person, the last admin); 2 could not run;
64 not called correctly.

Examples:
  $ holdfast people create --login ada@shop.example --name "Ada Lovelace" --scopes admin
  $ holdfast people list
  $ holdfast people set-password ada@shop.example
  $ holdfast people disable ada@shop.example
`;

/** As the ledger and the audit name who did it. */
const META: CommandMeta = { actor: 'system:command-line', requestId: '', idempotency: null };

const PAGE = 200;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface CreateOptions {
  login: string;
  name: string;
  scopes: string;
}

export function register(program: Command): void {
  const people = program
    .command('people')
    .summary('make, list and disable people, and set their passwords')
    .description('Makes, lists and disables people who sign in to the dashboard, and sets their passwords.')
    .addHelpText('after', AFTER_HELP);
  const who = (name: string, description: string): Command =>
    people.command(name).description(description).argument('<person>', 'The login, or the id.');
  const create = people
    .command('create')
    .description('Makes a person, and asks for the password.')
    .requiredOption('--login <text>', 'An e-mail address or a name to sign in with.')
    .requiredOption('--name <text>', 'As ledger and audit show it.')
    .requiredOption('--scopes <list>', 'By comma: read, reserve, stock, ingest, notify, files, limit, admin.');
  const list = people.command('list').description('Lists people, newest first.');
  const disable = who('disable', 'Ends all sessions of a person, who may not sign in again.');
  const enable = who('enable', 'Lets a person sign in again.');
  const setPassword = who('set-password', 'Sets a new password, and ends all sessions of that person.');
  for (const command of [create, list, disable, enable, setPassword]) {
    command.option('--json', 'Print JSON, as the API answers.');
    addSettings(command);
  }
  create.action((options: CreateOptions) => runAttached(create, (open, signal) => createPerson(open, options, signal)));
  list.action(() => runAttached(list, listPeople));
  disable.action((person: string) => runAttached(disable, (open) => setDisabled(open, person, true)));
  enable.action((person: string) => runAttached(enable, (open) => setDisabled(open, person, false)));
  setPassword.action((person: string) =>
    runAttached(setPassword, (open, signal) => changePassword(open, person, signal)),
  );
}

async function createPerson(
  installation: Installation,
  { login, name, scopes }: CreateOptions,
  signal: AbortSignal,
): Promise<Told> {
  const people = await import('../modules/people/index.ts');
  const parsed = await parseScopes(scopes);
  if (!people.isLogin(login)) throw new CommandRefused('--login must be 1 to 200 characters without blanks.');
  if (name.trim() === '' || name.length > 200) throw new CommandRefused('--name must have 1 to 200 characters.');
  const password = await askNewPassword(process.stdin, process.stderr, signal);
  const body = { login, name, scopes: parsed, password };
  const value = personIn(await people.createPerson(await depsOf(installation), body, META));
  return { value, text: `Created ${value.login}.\n` };
}

async function listPeople({ database }: Installation): Promise<Told> {
  const { pageOfPeople } = await import('../modules/people/index.ts');
  const items: PersonView[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof pageOfPeople>> = await pageOfPeople(database, {
      limit: PAGE,
      sort: '-createdAt',
      ...(cursor === null ? {} : { cursor }),
    });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  const rows = items.map((person) => [
    person.id,
    person.login,
    person.scopes.join(','),
    person.disabledAt === null ? 'yes' : 'no',
    person.lastSignInAt ?? 'never',
    person.name,
  ]);
  return { value: { items }, text: textTable([['ID', 'LOGIN', 'SCOPES', 'ENABLED', 'LAST SIGN-IN', 'NAME'], ...rows]) };
}

async function setDisabled(installation: Installation, named: string, disabled: boolean): Promise<Told> {
  const { patchPerson } = await import('../modules/people/index.ts');
  const { id } = await find(installation, named);
  const answer = await patchPerson(await depsOf(installation), { id, ifMatch: null }, { disabled }, META);
  const value = personIn(answer);
  return { value, text: `${disabled ? 'Disabled' : 'Enabled'} ${value.login}.\n` };
}

async function changePassword(installation: Installation, named: string, signal: AbortSignal): Promise<Told> {
  const { getPerson, setPassword } = await import('../modules/people/index.ts');
  const { id } = await find(installation, named);
  const password = await askNewPassword(process.stdin, process.stderr, signal);
  await setPassword(await depsOf(installation), id, password, META);
  const value = await getPerson(installation.database, id);
  return { value, text: `Set the password of ${value.login}; all sessions have ended.\n` };
}

async function find({ database }: Installation, named: string): Promise<PersonView> {
  const { getPerson, getPersonByLogin } = await import('../modules/people/index.ts');
  return UUID.test(named) ? getPerson(database, named.toLowerCase()) : getPersonByLogin(database, named);
}

/** @throws CommandRefused */
async function parseScopes(text: string) {
  const { isScope, SCOPES } = await import('../platform/auth/index.ts');
  const given = [...new Set(text.split(',').map((scope) => scope.trim()))];
  const unknown = given.filter((scope) => !isScope(scope));
  if (unknown.length === 0) return given.filter(isScope);
  throw new CommandRefused(`There is no scope ${unknown.join(', ')}; there are ${SCOPES.join(', ')}.`);
}

/** Servers that run look people up themselves: there is nobody to tell. */
async function depsOf({ database }: Installation): Promise<PeopleDeps> {
  const { StockEngine } = await import('../engine/index.ts');
  const { Passwords } = await import('../modules/people/index.ts');
  const people = { personCreated: () => undefined, personChanged: () => undefined };
  return { engine: new StockEngine(database, { defaultTtlMs: 0 }), database, passwords: new Passwords(), people };
}

function personIn({ body }: Answer): PersonView {
  return JSON.parse(body ?? 'null') as PersonView;
}
