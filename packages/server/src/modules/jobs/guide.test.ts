import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tableOf } from '../../../test/docs/markdown.blocks.ts';
import { isOver } from './cycle.rules.ts';
import { fieldsOfNew, priorityWord } from './job.rules.ts';
import { NewJobBody, RUN_STATUSES } from './job.schema.ts';
import { RunSummarySchema } from './run.schema.ts';
import { parseSchedule } from './schedule.rules.ts';
import { TYPE_DEFAULTS } from './type.book.ts';
import { iso } from './wall.clock.fixture.ts';

const GUIDES = new URL('../../../../../docs/guides/', import.meta.url);
const GUIDE = readFileSync(new URL('jobs.md', GUIDES), 'utf8');
const SCHEDULES = readFileSync(new URL('job-schedules.md', GUIDES), 'utf8');

function plain(cell = ''): string {
  return cell.replaceAll('`', '');
}

/** The words of a column, without what marks them as code. */
function columnOf(heading: string, index: number): string[] {
  return tableOf(GUIDE, heading).rows.map((row) => plain(row[index]));
}

function wordsOf(schema: object): unknown {
  return (schema as { enum?: unknown }).enum;
}

describe('the guide of jobs', () => {
  it('has each state of a run, and says which are the last', () => {
    expect(columnOf('status', 0)).toEqual([...RUN_STATUSES]);
    expect(columnOf('status', 2)).toEqual(RUN_STATUSES.map((status) => (isOver(status) ? 'yes' : 'no')));
  });

  it('has each state of a deadline', () => {
    expect(columnOf('state', 0)).toEqual(wordsOf(RunSummarySchema.properties.deadlineState));
  });

  it('has each setting, with its default', () => {
    const settings = new Map(tableOf(GUIDE, 'setting').rows.map((row) => [plain(row[0]), plain(row[2])]));
    expect([...settings.keys()].toSorted()).toEqual(Object.keys(NewJobBody.properties).toSorted());
    const { name, type, priority, ...defaults } = fieldsOfNew({ name: 'n', type: 't' }, TYPE_DEFAULTS);
    expect([settings.get('name'), settings.get('type')]).toEqual(['must be said', 'must be said']);
    expect([name, type, settings.get('priority')]).toEqual(['n', 't', priorityWord(priority)]);
    const inWords: Record<string, string> = {
      description: 'empty',
      config: 'by the type',
      dependencies: 'none',
      backoff: `${defaults.backoff.delayMs / 1_000} s to ${defaults.backoff.maxDelayMs / 60_000} min`,
      retries: `by the type, or ${TYPE_DEFAULTS.retries}`,
      timeoutMs: `by the type, or ${TYPE_DEFAULTS.timeoutMs / 60_000} min`,
      keepDays: `by the type, or ${TYPE_DEFAULTS.keepDays}`,
    };
    for (const [setting, value] of Object.entries(defaults)) {
      expect([setting, settings.get(setting)]).toEqual([
        setting,
        inWords[setting] ?? JSON.stringify(value).replaceAll('"', ''),
      ]);
    }
  });

  it('says what a failed dependency leads to in the words of the setting', () => {
    expect(columnOf('it is', 0)).toEqual(wordsOf(NewJobBody.properties.afterFailure));
    expect(columnOf('catchUp is', 0)).toEqual(wordsOf(NewJobBody.properties.catchUp));
    expect(columnOf('overlap is', 0)).toEqual(wordsOf(NewJobBody.properties.overlap));
  });
});

describe('the guide of schedules', () => {
  const lines = SCHEDULES.split('\n').filter((line) => line.startsWith('| '));
  const rows = lines.map((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code));
  const examples = rows.filter(([, , from = '']) => /^\d{4}-/.test(from));

  it('has examples of clocks that change', () => {
    expect(examples.length).toBeGreaterThanOrEqual(8);
  });

  it.each(examples)('says when %s in %s fires from %s on', (expression = '', timeZone = '', from = '', ...expected) => {
    const first = parseSchedule(expression, timeZone).between(Date.parse(`${from}Z`), Infinity, expected.length);
    expect(first.map(iso)).toEqual(expected.map((instant) => `${instant}Z`));
  });

  it('tells what the nicknames stand for', () => {
    const nicknames = rows.filter(([name = '']) => name.startsWith('@'));
    const meanings = nicknames.flatMap((row) => row.slice(0, -1).map((name) => [name, row.at(-1) ?? ''] as const));
    expect(meanings).toHaveLength(7);
    const january = Date.UTC(2026, 0, 1);
    for (const [name, meaning] of meanings)
      expect(parseSchedule(name, 'UTC').between(january, Infinity, 9)).toEqual(
        parseSchedule(meaning, 'UTC').between(january, Infinity, 9),
      );
  });
});
