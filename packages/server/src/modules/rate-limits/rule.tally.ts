import type { Charge } from '../../platform/limiter/index.ts';
import { TopSketch, type TopEntry } from './top.sketch.ts';

export const STEP_MS = 10_000;
const MINUTE_MS = 60_000;
/** Entries of a sketch, and how many of them are kept of a minute. */
const SUBJECTS_WATCHED = 64;
const SUBJECTS_KEPT = 20;
/** Of one rule, until the next flush: who is limited beyond these is counted and not told by name. */
const NOTICES_MAX = 50;
const NOTICED_MAX = 1_000;

/** What came of the requests of ten seconds. */
export interface StepCounts {
  /** The beginning of the step. */
  atMs: number;
  allowed: number;
  refused: number;
  shadowRefused: number;
}

export interface TallyReport {
  steps: StepCounts[];
  /** Of the minute that begins then. */
  minuteMs: number;
  subjects: TopEntry[];
  /** Who became limited, and in which minute. */
  notices: { subject: string; minuteMs: number }[];
}

/**
 * What one instance counts of one rule until it is written down: the sums of ten seconds, who asks most, who became
 * limited. All of it is bounded, whoever asks how often.
 */
export class RuleTally {
  #steps: StepCounts[] = [];
  #step: StepCounts | null = null;
  #stepEndsMs = 0;
  readonly #top = new TopSketch(SUBJECTS_WATCHED);
  #minuteMs = 0;
  #notices: { subject: string; minuteMs: number }[] = [];
  /** The minute in which it was last told of a subject. */
  readonly #noticed = new Map<string, number>();

  count({ allowed, shadow, subject }: Charge, nowMs: number): void {
    const step = nowMs < this.#stepEndsMs ? (this.#step as StepCounts) : this.#nextStep(nowMs);
    this.#top.count(subject, allowed);
    if (allowed) {
      step.allowed += 1;
    } else if (shadow) {
      step.shadowRefused += 1;
    } else {
      step.refused += 1;
      this.#notice(subject, nowMs);
    }
  }

  /** What was counted since the last time; null where nothing was. */
  drain(): TallyReport | null {
    if (this.#steps.length === 0) return null;
    const report = {
      steps: this.#steps,
      minuteMs: this.#minuteMs,
      subjects: this.#top.drain(SUBJECTS_KEPT),
      notices: this.#notices,
    };
    this.#steps = [];
    this.#stepEndsMs = 0;
    this.#notices = [];
    return report;
  }

  #nextStep(nowMs: number): StepCounts {
    if (this.#steps.length === 0) this.#minuteMs = floorTo(nowMs, MINUTE_MS);
    const step = { atMs: floorTo(nowMs, STEP_MS), allowed: 0, refused: 0, shadowRefused: 0 };
    this.#steps.push(step);
    this.#step = step;
    this.#stepEndsMs = step.atMs + STEP_MS;
    return step;
  }

  #notice(subject: string, nowMs: number): void {
    const minuteMs = floorTo(nowMs, MINUTE_MS);
    if (this.#noticed.get(subject) === minuteMs) return;
    if (this.#noticed.size >= NOTICED_MAX) this.#noticed.clear();
    this.#noticed.set(subject, minuteMs);
    if (this.#notices.length < NOTICES_MAX) this.#notices.push({ subject, minuteMs });
  }
}

function floorTo(ms: number, unitMs: number): number {
  return ms - (ms % unitMs);
}
