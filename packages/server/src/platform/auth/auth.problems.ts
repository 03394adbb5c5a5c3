import { Problem, problems, type ProblemKind } from '../../kernel/problem.ts';

const identityProviderUnavailable: ProblemKind = {
  code: 'identity_provider_unavailable',
  status: 503,
  title: "The identity provider's keys cannot be read",
  headers: { 'retry-after': '2' },
};

export const crossOriginRequest = {
  code: 'cross_origin_request',
  status: 403,
  title: 'A session counts on its own pages only',
} as const satisfies ProblemKind;

const HOW = 'Send an API key as "Authorization: Bearer <key>" or "X-Api-Key: <key>", or sign in.';

/** Nothing was sent. */
export function credentialsMissing(): Problem {
  return new Problem(problems.unauthorized, HOW);
}

/** Something was sent, and it is not valid (RFC 6750, section 3.1). */
export function credentialsInvalid(detail: string): Problem {
  const headers = { 'www-authenticate': 'Bearer realm="holdfast", error="invalid_token"' };
  return new Problem(problems.unauthorized, detail, {}, headers);
}

/** A cookie without a session that lives. */
export function sessionEnded(): Problem {
  return credentialsInvalid('The session has ended. Sign in again.');
}

/** A page of another origin would act with the cookie of a person who is signed in. */
export function crossOrigin(detail: string): Problem {
  return new Problem(crossOriginRequest, detail);
}

/** The server is open and will only serve the machine it runs on. */
export function openOnlyHere(detail: string): Problem {
  return new Problem(
    problems.forbidden,
    `${detail} Until a first API key or person exists, only this machine is served: make one.`,
  );
}

export function tokensCannotBeChecked(): Problem {
  return new Problem(identityProviderUnavailable, 'Tokens cannot be checked now. Try again.');
}
