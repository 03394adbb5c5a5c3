import type { LimitedRequest, LimitedRoute } from '../../platform/http/index.ts';
import { REST, type PathGlob, type TemplatePart } from '../../platform/limiter/index.ts';
import { CALLER, type CallerKind } from './caller.book.ts';
import type { LiveCost, LiveRule } from './live.rule.ts';

/** A rule that may count requests of one route. */
export interface PlannedRule {
  rule: LiveRule;
  /** To be asked of each request; null where it counts every one of the route. */
  path: PathGlob | null;
  /** What a request takes; null where that depends on its path. */
  cost: number | null;
  costs: readonly LiveCost[];
}

/** Probes must never be refused: whoever asks would restart a server that is only busy. */
const NEVER_LIMITED = /^\/health(?:\/|$)/;
/** Whoever mends a rule must not be refused by it. Only a rule that names these routes counts them. */
const OWN_ROUTES = '/api/v1/rate-limits';

export function isNeverLimited({ url }: LimitedRoute): boolean {
  return NEVER_LIMITED.test(url);
}

/** What of all rules concerns a route, worked out once: the rest costs its requests nothing. */
export function planOf(
  route: LimitedRoute,
  template: readonly TemplatePart[],
  rules: readonly LiveRule[],
): PlannedRule[] {
  const planned: PlannedRule[] = [];
  for (const rule of rules) {
    if (!hasMethod(rule.methods, route)) continue;
    if (route.url.startsWith(OWN_ROUTES) && !namesOwnRoutes(rule)) continue;
    const covers = rule.path?.covers(template) ?? 'always';
    if (covers === 'never') continue;
    const costs = costsOf(route, template, rule);
    const cost = costs === null ? null : (costs[0]?.cost ?? 1);
    planned.push({ rule, path: covers === 'always' ? null : rule.path, cost, costs: rule.costs });
  }
  return planned;
}

/** What of a plan concerns callers of a kind, from this machine or from elsewhere. */
export function planFor(plan: readonly PlannedRule[], caller: CallerKind, isFromHere: boolean): PlannedRule[] {
  return plan.filter(({ rule }) => {
    const { subject, match } = rule.stored;
    if (subject === 'api_key' && caller !== CALLER.key) return false;
    if (subject === 'user' && caller !== CALLER.user) return false;
    if (match.callers !== null && (match.callers === 'anonymous') !== (caller === CALLER.anonymous)) return false;
    return match.from === null || (match.from === 'loopback') === isFromHere;
  });
}

/** A route may be declared for several methods at once. */
function hasMethod(methods: ReadonlySet<string> | null, { method }: LimitedRoute): boolean {
  return methods === null || method.split(',').some((one) => methods.has(one));
}

function namesOwnRoutes({ path }: LiveRule): boolean {
  return path !== null && path.text.toLowerCase().startsWith(OWN_ROUTES);
}

/** What fits the route, the first at most; null where it takes the path to know. */
function costsOf(route: LimitedRoute, template: readonly TemplatePart[], { costs }: LiveRule): LiveCost[] | null {
  for (const cost of costs) {
    if (!hasMethod(cost.methods, route)) continue;
    const covers = cost.path?.covers(template) ?? 'always';
    if (covers === 'depends') return null;
    if (covers === 'always') return [cost];
  }
  return [];
}

/** A route's path, as patterns see it. */
export function templateOf(url: string): TemplatePart[] {
  return url
    .split('/')
    .filter((part) => part !== '')
    .map((part) => {
      if (part === '*') return REST;
      return part.startsWith(':') ? null : part.toLowerCase();
    });
}

/**
 * The path of a request as the router saw it: the route's own text, and its parameters decoded. However a request spelled
 * its path, it got to this route.
 */
export function segmentsOfRequest(url: string, { params }: Pick<LimitedRequest, 'params'>): string[] {
  const values = (params ?? {}) as Record<string, string | undefined>;
  return url
    .split('/')
    .filter((part) => part !== '')
    .flatMap((part) => {
      if (part === '*')
        return (values['*'] ?? '')
          .toLowerCase()
          .split('/')
          .filter((one) => one !== '');
      return [(part.startsWith(':') ? (values[part.slice(1)] ?? '') : part).toLowerCase()];
    });
}

/** The first that fits, else 1. */
export function costOf(costs: readonly LiveCost[], method: string, segments: readonly string[]): number {
  for (const { methods, path, cost } of costs) {
    if ((methods === null || methods.has(method)) && (path === null || path.matches(segments))) return cost;
  }
  return 1;
}
