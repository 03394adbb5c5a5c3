import type { HoldfastEvent } from '../../live/live.rules.ts';

/** An event as it came, with a number of its own on this page. */
export interface TailRow {
  key: number;
  event: HoldfastEvent;
}

/** More are not kept: the page may be open all day. */
export const TAIL_MAX = 500;

/** The newest first, and no more than are kept. */
export function withEvents(rows: readonly TailRow[], added: readonly TailRow[]): TailRow[] {
  return [...added.toReversed(), ...rows].slice(0, TAIL_MAX);
}

/** By the type's beginning (`reservation` for all of them), and by any part of what it is about. */
export function matches(
  { type, subject, data }: HoldfastEvent,
  kind: string | undefined,
  text: string | undefined,
): boolean {
  if (kind !== undefined && type !== kind && !type.startsWith(`${kind}.`)) return false;
  if (text === undefined) return true;
  const wanted = text.toLowerCase();
  return (subject ?? '').toLowerCase().includes(wanted) || JSON.stringify(data).toLowerCase().includes(wanted);
}
