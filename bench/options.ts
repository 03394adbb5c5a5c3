import { parseArgs } from 'node:util';

export const HELP = `Usage: npm run bench -- [options]

Measures Holdfast over HTTP beside a no-op route and beside the usual way of reserving, in one run on one machine.
bench/README.md says what the letters mean.

  --only <letters>   only these scenarios, such as c,e (of a, b, c, d, e, f, k, start)
  --quick            one short round over 10,000 levels: for seeing that it works, not for numbers
  --rounds <n>       how often each scenario is measured; the median counts (5)
  --seconds <n>      how long each is measured in a round, after a warm-up (2.5)
  --patience <n>     seconds, in all, to measure again what other processes disturbed (0)
  --connections <n>  keep-alive connections, each with one request outstanding (64)
  --data <dir>       where the databases are made, and removed (the system's directory for temporary files)
  --json <file>      where the results are written (bench/results/latest.json)
  --strict           exit with 1 when a target is missed
  --help             this text

Exits with 1 when an answer was not the expected one, or when units and answers do not add up.
`;

export const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f', 'k', 'start'] as const;
export type Letter = (typeof LETTERS)[number];

export interface Options {
  only: ReadonlySet<Letter>;
  isQuick: boolean;
  isStrict: boolean;
  rounds: number;
  warmUpMs: number;
  measureMs: number;
  patienceMs: number;
  connections: number;
  dataRoot: string | undefined;
  jsonFile: string | undefined;
}

/** Throws an error whose message is meant for the person at the keyboard. Gives undefined where help was asked for. */
export function parseOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      strict: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      patience: { type: 'string' },
      connections: { type: 'string' },
      data: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const seconds = positive('--seconds', values.seconds, values.quick ? 0.5 : 2.5);
  return {
    only: lettersOf(values.only),
    isQuick: values.quick,
    isStrict: values.strict,
    rounds: Math.round(positive('--rounds', values.rounds, values.quick ? 1 : 5)),
    warmUpMs: values.quick ? 200 : 700,
    measureMs: seconds * 1000,
    patienceMs: values.patience === undefined ? 0 : positive('--patience', values.patience, 0) * 1000,
    connections: Math.round(positive('--connections', values.connections, 64)),
    dataRoot: values.data,
    jsonFile: values.json,
  };
}

function lettersOf(list: string | undefined): ReadonlySet<Letter> {
  if (list === undefined) return new Set(LETTERS);
  const asked = list.split(',').map((letter) => letter.trim());
  const unknown = asked.filter((letter) => !LETTERS.some((known) => known === letter));
  if (unknown.length > 0) throw new Error(`--only knows ${LETTERS.join(', ')}, and not ${unknown.join(', ')}`);
  return new Set(LETTERS.filter((letter) => asked.includes(letter)));
}

function positive(name: string, text: string | undefined, standard: number): number {
  if (text === undefined) return standard;
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${name} takes a number above 0, and not ${text}`);
  return value;
}
