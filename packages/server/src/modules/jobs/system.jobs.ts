import type { Engine } from '../../engine/index.ts';
import { newId } from '../../kernel/ids.ts';
import { fieldsOfNew } from './job.rules.ts';
import { nextOf } from './job.service.ts';
import { idOfName, insertJob, lockGraph } from './job.sql.ts';
import type { TypeBook } from './type.book.ts';

const META = { actor: 'system:jobs', requestId: 'system:jobs', idempotency: null };

/** Makes Holdfast's own jobs where they are not there yet. What people have changed of them stays. */
export async function ensureSystemJobs({ engine, types }: { engine: Engine; types: TypeBook }): Promise<void> {
  await engine.transact(META, async (tx, nowMs) => {
    await lockGraph(tx);
    for (const { name: type, description, system } of types.all) {
      if (system === undefined || (await idOfName(tx, system.jobName)) !== undefined) continue;
      const schedule = system.kind === 'scheduled' ? system.schedule : null;
      const body = { name: system.jobName, type, description, schedule };
      const fields = fieldsOfNew(body, types.defaultsOf(type));
      const config = types.withDefaults(type, fields.config);
      const state = { isSystem: true, nextAtMs: nextOf(fields, nowMs) };
      await insertJob(tx, newId(nowMs), { ...fields, config }, state, nowMs);
    }
    return { status: 204, body: null, journal: [] };
  });
}
