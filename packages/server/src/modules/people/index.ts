export { refuseLastAdmin, refuseOpenCallerWhenClosed } from './admin.guard.ts';
export { anyoneExists } from './admin.sql.ts';
export { setPassword } from './password.service.ts';
export type { PasswordCosts } from './password.hash.ts';
export { Passwords } from './passwords.ts';
export { peopleRoutes } from './people.routes.ts';
export {
  createPerson,
  getPerson,
  getPersonByLogin,
  pageOfPeople,
  patchPerson,
  type PeopleDeps,
} from './person.service.ts';
export { isLogin, type PersonView } from './person.schema.ts';
export type { SignInListener } from './sign.in.service.ts';
export { createSessionStore } from './session.store.ts';
