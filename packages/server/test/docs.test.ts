import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { ReservationStatus } from '../src/engine/index.ts';
import { TRANSITIONS } from '../src/engine/reservation.rules.ts';
import { stockProblems } from '../src/engine/stock.problems.ts';
import { DocumentedAnswer } from './docs/documented.answer.ts';
import { anchorsOf, blocksOf, linksOf, tableOf } from './docs/markdown.blocks.ts';
import { commandsOf } from './docs/page.session.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.cache', 'coverage', 'holdfast-data', 'results']);

function markdownIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : markdownIn(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

const pages = markdownIn(root)
  .map((path) => relative(root, path))
  .sort();
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('the pages', () => {
  test('are found', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/ARCHITECTURE.md', 'docs/guides/reservations.md']));
  });

  test('link to what is there', () => {
    const broken = pages.flatMap((page) =>
      linksOf(read(page))
        .filter((link) => !/^(?:https?:|mailto:)/.test(link) && !leadsSomewhere(page, link))
        .map((link) => `${page}: ${link}`),
    );
    expect(broken).toEqual([]);
  });

  test('show JSON that is JSON', () => {
    const blocks = pages.flatMap((page) => blocksOf(read(page)).map((block) => ({ page, ...block })));
    const broken = blocks.filter(({ language, text }) => language === 'json' && !isJson(text));
    expect(broken.map(({ page, line }) => `${page}, line ${line}`)).toEqual([]);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? join(root, page) : join(root, dirname(page), path);
  if (!existsSync(target)) return false;
  if (anchor === undefined) return true;
  return statSync(target).isFile() && anchorsOf(readFileSync(target, 'utf8')).has(anchor);
}

describe('the guides', () => {
  const guides = readdirSync(join(root, 'docs/guides')).filter((name) => name.endsWith('.md'));

  test('are all reached from the README', () => {
    const links = new Set(linksOf(read('README.md')));
    expect(guides.filter((name) => !links.has(`docs/guides/${name}`))).toEqual([]);
  });

  test('the decisions are all listed, under their own titles', () => {
    const list = read('docs/adr/README.md');
    const decisions = readdirSync(join(root, 'docs/adr')).filter((name) => /^\d{4}-/.test(name));
    const missing = decisions.filter((name) => {
      const title = /^# \d{4}: (.*)$/m.exec(read(`docs/adr/${name}`))?.[1];
      return title === undefined || !list.includes(`(${name})`) || !list.includes(title);
    });
    expect(missing).toEqual([]);
  });
});

/** The columns of the table of states, and what the code calls them. */
const COLUMNS = {
  confirm: 'confirm',
  'confirm with ship': 'confirmAndShip',
  ship: 'ship',
  cancel: 'cancel',
  'change lines, extend': 'change',
} as const;
type Transition = (typeof COLUMNS)[keyof typeof COLUMNS];

const page = read('docs/guides/reservations.md');
const statuses = Object.keys(TRANSITIONS) as ReservationStatus[];
const done = statuses.flatMap((status) =>
  Object.values(COLUMNS)
    .filter((transition) => TRANSITIONS[status][transition] === 'do')
    .map((transition) => `${status} ${transition}`),
);

describe("the page of a reservation's states", () => {
  test('has the table of the code', () => {
    const { head, rows } = tableOf(page, 'state');
    expect(head).toEqual(['state', ...Object.keys(COLUMNS)]);
    const shown = rows.map(([status = '', ...cells]) => [status, ...cells.map(verdictOf)]);
    const meant = statuses.map((status) => [
      status,
      ...Object.values(COLUMNS).map((name) => TRANSITIONS[status][name]),
    ]);
    expect(shown).toEqual(meant);
  });

  test('draws an arrow for everything that can be done, and no other', () => {
    const arrows = arrowsOf(page);
    const drawn = arrows.filter(({ from, transition }) => from !== '[*]' && transition !== null);
    expect([...new Set(drawn.map(({ from, transition }) => `${from} ${transition}`))].sort()).toEqual([...done].sort());
    const expiring = arrows.filter(({ label }) => label === 'expire').map(({ from, to }) => [from, to]);
    expect(expiring).toEqual([['pending', 'expired']]);
  });

  test('tells in the table where each arrow leads', () => {
    const { rows } = tableOf(page, 'state');
    const told = rows.flatMap(([status = '', ...cells]) =>
      cells.flatMap((cell, index) =>
        [...cell.matchAll(/→ (\w+)/g)].map((match) => `${status} ${Object.values(COLUMNS)[index]} ${match[1]}`),
      ),
    );
    const drawn = arrowsOf(page)
      .filter(({ transition }) => transition !== null)
      .map(({ from, transition, to }) => `${from} ${transition} ${to}`);
    expect([...new Set(told)].sort()).toEqual([...new Set(drawn)].sort());
  });
});

/** What a cell says, in the words of the code. */
function verdictOf(cell: string): string {
  if (cell.startsWith('→ ')) return 'do';
  if (cell.startsWith('as it is')) return 'as it is';
  if (cell === '409') return 'invalid_transition';
  return /^409 `(\w+)`$/.exec(cell)?.[1] ?? cell;
}

interface Arrow {
  from: string;
  to: string;
  label: string;
  transition: Transition | null;
}

function arrowsOf(markdown: string): Arrow[] {
  const diagram = blocksOf(markdown).find(({ language }) => language === 'mermaid')?.text ?? '';
  return [...diagram.matchAll(/^ *(\S+) --> (\S+?): (.*)$/gm)].map(([, from = '', to = '', label = '']) => {
    return { from, to, label, transition: transitionOf(label) };
  });
}

/** `ship some`, `cancel the rest`: a word more says when the arrow is taken. */
function transitionOf(label: string): Transition | null {
  const names = Object.keys(COLUMNS).sort((left, right) => right.length - left.length);
  const name = names.find((known) => label === known || label.startsWith(`${known} `));
  return name === undefined ? null : COLUMNS[name as keyof typeof COLUMNS];
}

/** All codes with their statuses, from where they are declared. */
function catalogue(): Map<string, string> {
  const sources = readdirSync(join(root, 'packages/server/src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !/\.(?:test|fixture)\.ts$/.test(path))
    .map((path) => read(join('packages/server/src', path)));
  const declared = sources.join('\n').matchAll(/code: '(\w+)',\s+status: (\d+),\s+title:/g);
  return new Map([...declared].map(([, code = '', status = '']) => [code, status]));
}

test('the guide to errors has each code of the catalogue, under its status, and no other', () => {
  const guide = read('docs/guides/errors.md');
  const codes = catalogue();
  expect(codes.size).toBeGreaterThan(70);
  expect([...codes.keys()].filter((code) => !guide.includes(`\`${code}\``))).toEqual([]);
  const rows = [...guide.matchAll(/^\| `(\w+)` +\|(?: +(\d{3}) \|)?/gm)];
  const wrong = rows.filter(([, code = '', status = '409']) => codes.get(code) !== status);
  expect(wrong.map(([row]) => row)).toEqual([]);
  expect(rows.length).toBeGreaterThan(55);
});

test('codes that the pages name are in the catalogue', () => {
  const named = new Set([...read('docs/guides/stock-and-ledger.md').matchAll(/409 `(\w+)`/g)].map((match) => match[1]));
  const known = new Set<string | undefined>(Object.values(stockProblems).map(({ code }) => code));
  expect(named.size).toBeGreaterThan(2);
  expect([...named].filter((code) => !known.has(code))).toEqual([]);
});

describe('how answers are compared with the pages', () => {
  const differences = (shown: unknown, actual: unknown): string[] => new DocumentedAnswer().differences(shown, actual);

  test('a page may leave members out, and nothing else', () => {
    expect(differences({ onHand: 8 }, { onHand: 8, reserved: 1 })).toEqual([]);
    expect(differences({ onHand: 8 }, { onHand: 7 })).toEqual(['/onHand is shown as 8 and is 7']);
    expect(differences({ colour: 'blue' }, {})).toEqual(['/colour is shown and not there']);
    expect(differences({ items: [1] }, { items: [1, 2] })).toEqual(['/items is shown as [1] and is [1,2]']);
    expect(differences({ at: null }, { at: '2026-11-20T12:00:00.000Z' })).toHaveLength(1);
  });

  test('times are times, and an id that is shown twice is the same twice', () => {
    const [one, other] = ['01a1f895-b94a-73bf-a838-d54907425664', '01a1f895-b736-7159-8e57-f0e205b57847'];
    const documented = new DocumentedAnswer();
    expect(documented.differences({ at: '2026-11-20T12:00:00.000Z' }, { at: '2027-01-01T00:00:00.000Z' })).toEqual([]);
    expect(documented.differences({ id: one }, { id: other })).toEqual([]);
    expect(documented.differences({ id: one }, { id: other })).toEqual([]);
    expect(documented.differences({ id: one }, { id: one })).toHaveLength(1);
  });

  test('a command may go over lines', () => {
    const text = "curl a \\\n  -d 'x'\n\n# a comment\ncurl b -d '{\n  1}'";
    expect(commandsOf({ language: 'sh', text, line: 1 })).toEqual(["curl a   -d 'x'", "curl b -d '{\n  1}'"]);
  });
});
