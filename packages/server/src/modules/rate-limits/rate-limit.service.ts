import { isDeepStrictEqual } from 'node:util';
import type { Engine } from '../../engine/index.ts';
import type { Answer, CommandMeta } from '../../kernel/command.ts';
import { newId } from '../../kernel/ids.ts';
import { toPage, type Page } from '../../kernel/page.ts';
import { refuseOtherVersion, type IfMatch } from '../../kernel/if.match.ts';
import { Problem } from '../../kernel/problem.ts';
import type { Database } from '../../platform/database/index.ts';
import { etagOf } from '../../platform/http/index.ts';
import type { Limits } from './limits.ts';
import { rateLimitProblems } from './rate-limit.problems.ts';
import { fieldsAfterPatch, fieldsOfNew } from './rate-limit.rules.ts';
import {
  RULES_MAX,
  type NewRateLimitBody,
  type RateLimitPatchBody,
  type RateLimitQuery,
  type RateLimitView,
} from './rate-limit.schema.ts';
import {
  countRateLimits,
  deleteRateLimit,
  findRateLimit,
  insertRateLimit,
  listRateLimits,
  putTier,
  raiseRevision,
  rateLimitOrder,
  updateRateLimit,
} from './rate-limit.sql.ts';
import { rateLimitView, type StoredRule } from './rate-limit.view.ts';

export interface RateLimitDeps {
  engine: Engine;
  database: Database;
  limits: Limits;
  /** Tells the other instances that something changed. */
  onChanged: () => void;
}

interface Target {
  id: string;
  ifMatch: IfMatch;
}

/** @throws Problem `validation_failed`, `too_many_rate_limits` */
export async function createRateLimit(deps: RateLimitDeps, body: NewRateLimitBody, meta: CommandMeta): Promise<Answer> {
  const fields = fieldsOfNew(body);
  return changing(deps, () =>
    deps.engine.transact(meta, async (tx, now) => {
      await raiseRevision(tx);
      if ((await countRateLimits(tx)) >= RULES_MAX) throw tooMany();
      const rule = rateLimitView(await insertRateLimit(tx, newId(now), fields, now));
      return {
        status: 201,
        body: rule,
        headers: { location: `/api/v1/rate-limits/${rule.id}`, etag: etagOf(rule.version) },
        journal: [{ kind: 'rate_limit.created', subject: rule.id, data: rule }],
      };
    }),
  );
}

/**
 * A patch that changes nothing is answered with the rule as it is, and leaves no trace.
 *
 * @throws Problem `rate_limit_not_found`, `precondition_failed`, `validation_failed`
 */
export async function patchRateLimit(
  deps: RateLimitDeps,
  target: Target,
  patch: RateLimitPatchBody,
  meta: CommandMeta,
): Promise<Answer> {
  return changing(deps, () =>
    deps.engine.transact(meta, async (tx, now) => {
      await raiseRevision(tx);
      const before = expected(await findRateLimit(tx, target.id), target);
      const fields = fieldsAfterPatch(before, patch);
      const isChanged = !isDeepStrictEqual(fields, { ...before });
      const rule = rateLimitView(isChanged ? await updateRateLimit(tx, target.id, fields, now) : before);
      return {
        status: 200,
        body: rule,
        headers: { etag: etagOf(rule.version) },
        journal: isChanged ? [{ kind: 'rate_limit.updated', subject: rule.id, data: rule }] : [],
      };
    }),
  );
}

/** @throws Problem `rate_limit_not_found`, `precondition_failed` */
export async function removeRateLimit(deps: RateLimitDeps, target: Target, meta: CommandMeta): Promise<Answer> {
  return changing(deps, () =>
    deps.engine.transact(meta, async (tx) => {
      await raiseRevision(tx);
      const before = expected(await findRateLimit(tx, target.id), target);
      await deleteRateLimit(tx, target.id);
      return {
        status: 204,
        body: null,
        journal: [{ kind: 'rate_limit.deleted', subject: target.id, data: rateLimitView(before) }],
      };
    }),
  );
}

/** Says who is of a tier: these and no others. */
export async function setTier(
  deps: RateLimitDeps,
  tier: string,
  subjects: readonly string[],
  meta: CommandMeta,
): Promise<Answer> {
  return changing(deps, () =>
    deps.engine.transact(meta, async (tx) => {
      await raiseRevision(tx);
      await putTier(tx, tier, subjects);
      const body = { tier, subjects: [...subjects] };
      return { status: 200, body, journal: [{ kind: 'rate_limit_tier.updated', subject: tier, data: body }] };
    }),
  );
}

/** @throws Problem `rate_limit_not_found` */
export async function getRateLimit({ kysely }: Pick<Database, 'kysely'>, id: string): Promise<RateLimitView> {
  const rule = await findRateLimit(kysely, id);
  if (rule === undefined) throw rateLimitNotFound(id);
  return rateLimitView(rule);
}

/** @throws Problem `invalid_cursor` */
export async function pageOfRateLimits(
  { kysely }: Pick<Database, 'kysely'>,
  query: RateLimitQuery,
): Promise<Page<RateLimitView>> {
  const { limit, cursor, sort = '-createdAt' } = query;
  const list = { route: 'rate-limits', sort };
  const rules = await listRateLimits(kysely, rateLimitOrder(sort === '-createdAt'), { list, cursor, limit });
  return toPage(list, limit, rules, ({ id }) => [id], rateLimitView);
}

export function rateLimitNotFound(id: string): Problem {
  return new Problem(rateLimitProblems.rateLimitNotFound, `No rate limit has the id ${id}.`);
}

/** A change holds here when it is answered, and everywhere else when the others have heard of it. */
async function changing({ limits, onChanged }: RateLimitDeps, change: () => Promise<Answer>): Promise<Answer> {
  try {
    const answer = await change();
    // It is done, whether or not the rules can be read at this moment.
    await limits.catchUp();
    return answer;
  } finally {
    // Also when nobody knows whether it was committed.
    onChanged();
  }
}

function expected(rule: StoredRule | undefined, { id, ifMatch }: Target): StoredRule {
  if (rule === undefined) throw rateLimitNotFound(id);
  refuseOtherVersion(rule.version, ifMatch);
  return rule;
}

function tooMany(): Problem {
  const detail = `There can be ${RULES_MAX} rate limits: delete one that is not needed, or give subjects numbers of their own by overrides.`;
  return new Problem(rateLimitProblems.tooManyRateLimits, detail);
}
