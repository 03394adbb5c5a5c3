import { UNKNOWN_ID } from './valid.requests.ts';

/** One request that must be refused. `body` is JSON text where JSON.stringify could not write it. */
export interface BadRequest {
  request: string;
  why: string;
  body?: unknown;
  headers?: readonly (readonly [string, string])[];
  /** Status and code. */
  answer: string;
  /** For 400 `validation_failed`: where it is wrong, in this order. */
  paths?: readonly string[];
}

/** Each: what is wrong, the body, and where (nothing: the body as a whole). */
export type Wrong = readonly [why: string, body: unknown, ...paths: string[]];
export type WrongBodies = Readonly<Record<string, readonly Wrong[]>>;

/** JSON that JSON.stringify would not write. */
export class JsonText {
  readonly text: string;

  constructor(written: string) {
    this.text = written;
  }
}
export const json = (written: string): JsonText => new JsonText(written);

export const text = (length: number): string => 'x'.repeat(length);
export const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });
export const times = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item);
export const uuids = (count: number): string[] => times(count, UNKNOWN_ID);
