import type { Transaction } from 'kysely';
import type { Engine } from '../../engine/index.ts';
import { newId } from '../../kernel/ids.ts';
import type { Tables } from '../../platform/database/index.ts';
import { fieldsOfNew } from './job.rules.ts';
import { nextOf } from './job.service.ts';
import { idOfName, insertJob, lockGraph, systemTypes } from './job.sql.ts';
import type { TypeBook } from './type.book.ts';

const META = { actor: 'system:jobs', requestId: 'system:jobs', idempotency: null };

/**
 * Makes Holdfast's own jobs where they are not there yet. What people have changed of them stays. They are known by their
 * types: somebody may have had a job of the same name before there was one of ours.
 */
export async function ensureSystemJobs({ engine, types }: { engine: Engine; types: TypeBook }): Promise<void> {
  await engine.transact(META, async (tx, nowMs) => {
    await lockGraph(tx);
    const there = await systemTypes(tx);
    for (const { name: type, description, system } of types.all) {
      if (system === undefined || there.has(type)) continue;
      const schedule = system.kind === 'scheduled' ? system.schedule : null;
      const body = { name: await freeName(tx, system.jobName), type, description, schedule };
      const fields = fieldsOfNew(body, types.defaultsOf(type));
      const config = types.withDefaults(type, fields.config);
      const state = { isSystem: true, nextAtMs: nextOf(fields, nowMs) };
      await insertJob(tx, newId(nowMs), { ...fields, config }, state, nowMs);
    }
    return { status: 204, body: null, journal: [] };
  });
}

async function freeName(tx: Transaction<Tables>, name: string): Promise<string> {
  let free = name;
  for (let count = 1; (await idOfName(tx, free)) !== undefined; count += 1) {
    free = `${name} (Holdfast${count === 1 ? '' : ` ${count}`})`;
  }
  return free;
}
