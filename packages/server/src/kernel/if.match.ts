import { Problem, problems } from './problem.ts';

/** The versions of which a resource must have one, as If-Match names them; null where it asks for none. */
export type IfMatch = readonly number[] | null;

/** @throws Problem `precondition_failed` */
export function refuseOtherVersion(version: number, ifMatch: IfMatch): void {
  if (ifMatch === null || ifMatch.includes(version)) return;
  const detail = `It has version ${version}, and If-Match names another: read it again.`;
  throw new Problem(problems.preconditionFailed, detail, { version });
}
