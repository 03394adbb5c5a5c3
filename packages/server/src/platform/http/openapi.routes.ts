import type { RouteOptions } from 'fastify';
import { COMMAND_METHODS } from './route.config.ts';
import { sampleOf } from './openapi.sample.ts';
import { ProblemSchema } from './schemas.ts';

interface JsonSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  default?: unknown;
  examples?: unknown[];
  [keyword: string]: unknown;
}

interface RouteSchema {
  hide?: boolean;
  operationId?: string;
  description?: string;
  produces?: string[];
  consumes?: string[];
  body?: JsonSchema;
  querystring?: JsonSchema;
  headers?: JsonSchema;
  response?: Record<string, JsonSchema>;
  [keyword: string]: unknown;
}

const PROBLEM = 'application/problem+json';

/** What every route can answer besides what it declares. */
const OTHER_REFUSALS: JsonSchema = {
  ...(ProblemSchema as object),
  description: 'Any other refusal: validation, authentication, limits, overload.',
};

const IDEMPOTENCY_KEY: JsonSchema = {
  type: 'string',
  minLength: 1,
  maxLength: 255,
  description: 'Yours to choose, kept 24 hours: a repeat of the same request answers the stored response.',
  examples: ['order-1042-reserve'],
};

const IF_MATCH: JsonSchema = {
  type: 'string',
  description: 'The ETag that the resource must still have, or several of which it must have one; `*` takes any.',
  examples: ['"3"'],
};

const IF_NONE_MATCH: JsonSchema = {
  type: 'string',
  description: 'An ETag that you have an answer with: 304, without a body, where it still holds.',
  examples: ['"3"'],
};

const LOCATION: JsonSchema = { type: 'string', description: 'The path of what was made.' };
const ETAG: JsonSchema = { type: 'string', description: 'Of this state, for If-Match and If-None-Match.' };
const REPLAYED: JsonSchema = {
  type: 'string',
  enum: ['true'],
  description: 'This is the stored answer of an earlier request with the same Idempotency-Key.',
};
const RETRY_AFTER: JsonSchema = { type: 'integer', description: 'In how many seconds to try again: with 429 and 503.' };

const NOT_MODIFIED: JsonSchema = { type: 'null', description: 'What If-None-Match names still holds.' };

/** A route's schema as the document shows it. Routes without an operationId are a plugin's own and are left out. */
export function describeRoute({ schema, url, route }: { schema: unknown; url: string; route: RouteOptions }) {
  const own = (schema ?? {}) as RouteSchema;
  if (own.hide === true || own.operationId === undefined) return { schema: { hide: true }, url };
  const { body, querystring, ...rest } = own;
  const scope = route.config?.scope;
  const described: RouteSchema = {
    ...rest,
    security: scope === 'public' ? [] : [{ bearer: [] }, { apiKey: [] }, { session: [] }],
    description: withScope(own.description, scope),
    response: describeAnswers(own, route),
  };
  if (querystring?.properties !== undefined && Object.keys(querystring.properties).length > 0) {
    described.querystring = withoutRequiredDefaults(querystring);
  }
  if (body !== undefined) described.body = withSample(body);
  const headers = {
    ...(takesKey(route) && { 'Idempotency-Key': IDEMPOTENCY_KEY }),
    ...('412' in (own.response ?? {}) && { 'If-Match': IF_MATCH }),
    ...(route.config?.conditional === true && { 'If-None-Match': IF_NONE_MATCH }),
    ...own.headers?.properties,
  };
  if (Object.keys(headers).length > 0) described.headers = { type: 'object', properties: headers };
  return { schema: described, url };
}

function takesKey({ method, config }: RouteOptions): boolean {
  return COMMAND_METHODS.has(String(method)) && config?.idempotent !== false;
}

function withScope(description: string | undefined, scope: string | undefined): string {
  const need = needOf(scope);
  return description === undefined ? need : `${description}\n\n${need}`;
}

function needOf(scope: string | undefined): string {
  if (scope === undefined || scope === 'public') return 'Needs no key.';
  return scope === 'known' ? 'Any caller with a key, a token or a session.' : `Needs the scope \`${scope}\`.`;
}

/** Successes in the route's own media type, problems in theirs. */
function describeAnswers({ response = {}, produces }: RouteSchema, route: RouteOptions): Record<string, JsonSchema> {
  const answers: Record<string, JsonSchema> = {};
  const isTagged = route.config?.conditional === true || route.method === 'GET' || '412' in response;
  for (const [status, answer] of Object.entries(response)) {
    if (Number(status) >= 400) answers[status] = problemAnswer(answer);
    else answers[status] = { ...success(answer, status), ...headersOf(answer, status, route, isTagged) };
  }
  if (Object.keys(answers).length === 0) {
    answers['200'] = { type: 'string', description: produces?.join(', ') ?? 'Done.' };
  }
  if (route.config?.conditional === true) answers['304'] = NOT_MODIFIED;
  answers['default'] = { ...problemAnswer(OTHER_REFUSALS), headers: { 'Retry-After': RETRY_AFTER } };
  return answers;
}

/** What programs read of an answer besides its body. */
function headersOf(answer: JsonSchema, status: string, route: RouteOptions, isTagged: boolean): JsonSchema {
  const isMade = status === '201';
  const hasVersion = answer.properties?.['version']?.type === 'integer';
  const headers = {
    ...(isMade && { Location: LOCATION }),
    ...((isMade || isTagged) && (hasVersion || route.config?.conditional) && { ETag: ETAG }),
    ...(takesKey(route) && { 'Idempotency-Replayed': REPLAYED }),
  };
  return Object.keys(headers).length === 0 ? {} : { headers };
}

function problemAnswer(schema: JsonSchema): JsonSchema {
  const { description = 'Refused.' } = schema;
  return { description, content: { [PROBLEM]: { schema: { ...ProblemSchema } } } };
}

function success(schema: JsonSchema, status: string): JsonSchema {
  if (schema.type === 'null') return { ...schema, description: schema.description ?? 'Done.' };
  const description = schema.description ?? (status === '201' ? 'Created.' : 'Done.');
  return { ...withSample(schema), 'x-response-description': description };
}

function withSample(schema: JsonSchema): JsonSchema {
  return schema.examples === undefined ? { ...schema, examples: [sampleOf(schema)] } : schema;
}

/** A parameter with a default need not be given, though the handler always has it. */
function withoutRequiredDefaults(querystring: JsonSchema): JsonSchema {
  const { properties = {}, required = [] } = querystring;
  return { ...querystring, required: required.filter((name) => properties[name]?.default === undefined) };
}
