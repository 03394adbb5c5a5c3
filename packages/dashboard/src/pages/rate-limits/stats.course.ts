import type { RuleStats } from './rate-limit.words.ts';

type Step = RuleStats['overTime'][number];

export interface Course {
  times: number[];
  allowed: number[];
  refused: number[];
  shadowRefused: number[];
}

/** How many points a chart has at most; more are added up. */
const POINTS_MAX = 180;

/**
 * The steps of some rules as one course without gaps: a step in which nothing was counted is zero. The last step is still
 * being counted, and left out.
 */
export function courseOf(
  rules: readonly Pick<RuleStats, 'overTime'>[],
  range: { from: string; to: string; stepMs: number },
): Course {
  const [fromMs, toMs] = [Date.parse(range.from), Date.parse(range.to)];
  const stepMs = range.stepMs * Math.max(1, Math.ceil((toMs - fromMs) / range.stepMs / POINTS_MAX));
  const firstMs = fromMs - (fromMs % stepMs);
  const count = Math.max(0, Math.floor((toMs - firstMs) / stepMs));
  const zeros = (): number[] => Array.from({ length: count }, () => 0);
  const course: Course = {
    times: zeros().map((_, index) => firstMs + index * stepMs),
    allowed: zeros(),
    refused: zeros(),
    shadowRefused: zeros(),
  };
  for (const step of rules.flatMap(({ overTime }) => overTime)) {
    const index = Math.floor((Date.parse(step.at) - firstMs) / stepMs);
    if (index >= 0 && index < count) add(course, index, step);
  }
  return course;
}

function add(course: Course, index: number, step: Step): void {
  for (const part of ['allowed', 'refused', 'shadowRefused'] as const) {
    course[part][index] = (course[part][index] ?? 0) + step[part];
  }
}

/** `12 %`, of all that was counted; nothing of nothing. */
export function shareOf(part: number, all: number): string {
  if (all === 0 || part === 0) return '0 %';
  const share = (part / all) * 100;
  return share < 0.1
    ? '< 0.1 %'
    : `${share.toLocaleString(undefined, { maximumFractionDigits: share < 10 ? 1 : 0 })} %`;
}
