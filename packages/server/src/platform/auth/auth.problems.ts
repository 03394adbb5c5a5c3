import { Problem, problems, type ProblemKind } from '../../kernel/problem.ts';

const identityProviderUnavailable: ProblemKind = {
  code: 'identity_provider_unavailable',
  status: 503,
  title: "The identity provider's keys cannot be read",
  headers: { 'retry-after': '2' },
};

const HOW = 'Send an API key as "Authorization: Bearer <key>" or "X-Api-Key: <key>".';

/** Nothing was sent. */
export function credentialsMissing(): Problem {
  return new Problem(problems.unauthorized, HOW);
}

/** Something was sent, and it is not valid (RFC 6750, section 3.1). */
export function credentialsInvalid(detail: string): Problem {
  const headers = { 'www-authenticate': 'Bearer realm="holdfast", error="invalid_token"' };
  return new Problem(problems.unauthorized, detail, {}, headers);
}

/** The server is open and will only serve the machine it runs on. */
export function openOnlyHere(detail: string): Problem {
  return new Problem(
    problems.forbidden,
    `${detail} Until a first API key exists, only this machine is served: make one.`,
  );
}

export function tokensCannotBeChecked(): Problem {
  return new Problem(identityProviderUnavailable, 'Tokens cannot be checked now. Try again.');
}
