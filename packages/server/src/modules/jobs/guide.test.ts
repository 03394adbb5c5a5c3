import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tableOf } from '../../../test/docs/markdown.blocks.ts';
import { isOver } from './cycle.rules.ts';
import { fieldsOfNew, priorityWord } from './job.rules.ts';
import { NewJobBody, RUN_STATUSES } from './job.schema.ts';
import { RunSummarySchema } from './run.schema.ts';
import { TYPE_DEFAULTS } from './type.book.ts';

const GUIDE = readFileSync(new URL('../../../../../docs/guides/jobs.md', import.meta.url), 'utf8');

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
