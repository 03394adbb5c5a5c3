import type { ProblemKind } from '../../kernel/problem.ts';

export const personProblems = {
  personNotFound: { code: 'person_not_found', status: 404, title: 'There is no such person' },
  sessionNotFound: { code: 'session_not_found', status: 404, title: 'You have no such session' },
  duplicateLogin: { code: 'duplicate_login', status: 409, title: 'The login is taken' },
  firstPersonNeedsAdmin: {
    code: 'first_person_needs_admin',
    status: 409,
    title: 'The first person needs the scope admin',
  },
  lastAdmin: { code: 'last_admin', status: 409, title: 'Nobody else could administer this server' },
  wrongCredentials: {
    code: 'wrong_credentials',
    status: 401,
    title: 'Login and password do not belong together',
    headers: { 'www-authenticate': 'Bearer realm="holdfast"' },
  },
  wrongPassword: { code: 'wrong_password', status: 403, title: 'The current password is another' },
  insecureConnection: {
    code: 'insecure_connection',
    status: 403,
    title: 'Passwords need HTTPS, or the machine itself',
  },
  tooManyAttempts: { code: 'too_many_attempts', status: 429, title: 'Signing in has failed too often' },
  passwordCheckUnavailable: {
    code: 'password_check_unavailable',
    status: 503,
    title: 'This server cannot check this password',
  },
} as const satisfies Record<string, ProblemKind>;
