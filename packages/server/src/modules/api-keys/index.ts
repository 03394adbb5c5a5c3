export { apiKeyRoutes } from './api-key.routes.ts';
export type { NewApiKeyBody } from './api-key.schema.ts';
export { createApiKey, ensureAdminKey, pageOfApiKeys, removeApiKey, type AdminKeyState } from './api-key.service.ts';
export { createKeyStore } from './key.store.ts';
