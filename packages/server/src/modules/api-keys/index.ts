export { apiKeyRoutes } from './api-key.routes.ts';
export { ensureAdminKey, type AdminKeyState } from './api-key.service.ts';
export { createKeyStore } from './key.store.ts';
