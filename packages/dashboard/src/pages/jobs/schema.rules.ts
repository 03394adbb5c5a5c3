/** A JSON Schema, as far as a form is made of it. */
export interface Schema {
  type?: string | readonly string[];
  enum?: readonly unknown[];
  title?: string;
  description?: string;
  default?: unknown;
  examples?: readonly unknown[];
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  format?: string;
  writeOnly?: boolean;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
}

interface Base {
  /** The member's name. */
  name: string;
  /** A JSON Pointer to it, as a refusal names it: `/config/source/url`. */
  pointer: string;
  label: string;
  about: string | null;
  isRequired: boolean;
  /** Without a word it is what `hint` says. */
  hasDefault: boolean;
  /** What it would be without a word, or an example of it. */
  hint: string | null;
}

export type Field = Base &
  (
    | { kind: 'text' | 'secret'; maxLength: number | null }
    | { kind: 'number'; isWhole: boolean; min: number | null; max: number | null }
    | { kind: 'yes'; isOpen: boolean }
    | { kind: 'choice'; options: readonly string[] }
    | { kind: 'choices'; options: readonly string[] }
    /** Values, or `name: value`, one on each line. */
    | { kind: 'lines'; of: 'string' | 'number' | 'record' }
    | { kind: 'group'; members: readonly Field[] }
    /** What no field can be drawn for. */
    | { kind: 'json' }
  );

/** What the fields hold: text that may not be whole yet. */
export type Draft = string | number | boolean | readonly string[] | DraftGroup;
export interface DraftGroup {
  readonly [name: string]: Draft;
}

export type FieldOf<Name extends Field['kind']> = Extract<Field, { kind: Name }>;

export type Config = Readonly<Record<string, unknown>>;

/** The fields of a config, those that must be there first. */
export function fieldsOf(schema: Schema, pointer = '/config'): Field[] {
  const required = new Set(schema.required);
  const fields = Object.entries(schema.properties ?? {}).map(([name, member]) =>
    fieldOf(name, member, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, required.has(name)),
  );
  const isFirst = ({ isRequired, hasDefault }: Field): boolean => isRequired && !hasDefault;
  return [...fields.filter(isFirst), ...fields.filter((field) => !isFirst(field))];
}

function fieldOf(name: string, schema: Schema, pointer: string, isRequired: boolean): Field {
  const base: Base = {
    name,
    pointer,
    label: schema.title ?? labelOf(name),
    about: schema.description ?? null,
    isRequired,
    hasDefault: schema.default !== undefined,
    hint: hintOf(schema),
  };
  const words = wordsOf(schema.enum);
  if (words !== null) return { ...base, kind: 'choice', options: words };
  switch (typeOf(schema)) {
    case 'string':
      return { ...base, kind: schema.writeOnly === true ? 'secret' : 'text', maxLength: schema.maxLength ?? null };
    case 'integer':
    case 'number': {
      const isWhole = typeOf(schema) === 'integer';
      return { ...base, kind: 'number', isWhole, min: schema.minimum ?? null, max: schema.maximum ?? null };
    }
    case 'boolean':
      return { ...base, kind: 'yes', isOpen: !isRequired && schema.default === undefined };
    case 'array':
      return { ...base, ...listOf(schema.items) };
    case 'object':
      return { ...base, ...objectOf(schema, pointer) };
    default:
      return { ...base, kind: 'json' };
  }
}

type Kind<Name extends Field['kind']> = Omit<FieldOf<Name>, keyof Base>;

function listOf(items: Schema = {}): Kind<'choices'> | Kind<'lines'> | Kind<'json'> {
  const words = wordsOf(items.enum);
  if (words !== null) return { kind: 'choices', options: words };
  const type = typeOf(items);
  if (type === 'string') return { kind: 'lines', of: 'string' };
  return type === 'integer' || type === 'number' ? { kind: 'lines', of: 'number' } : { kind: 'json' };
}

function objectOf(schema: Schema, pointer: string): Kind<'group'> | Kind<'lines'> | Kind<'json'> {
  const { properties, additionalProperties: others } = schema;
  const members = Object.keys(properties ?? {}).length;
  if (members > 0 && others === false) return { kind: 'group', members: fieldsOf(schema, pointer) };
  const isRecord = members === 0 && typeof others === 'object' && typeOf(others) === 'string';
  return isRecord ? { kind: 'lines', of: 'record' } : { kind: 'json' };
}

/** The one type that is not null; nothing where it may be several. */
function typeOf({ type }: Schema): string | null {
  if (typeof type === 'string') return type;
  const others = (type ?? []).filter((one) => one !== 'null');
  return others.length === 1 ? (others[0] ?? null) : null;
}

function wordsOf(values: readonly unknown[] | undefined): string[] | null {
  const words = values?.filter((value) => typeof value === 'string');
  const isAll = words?.length === values?.filter((value) => value !== null).length;
  return words === undefined || words.length === 0 || !isAll ? null : words;
}

/** `Decimal comma` of `decimalComma`, `Max MiB` of `maxMiB`. */
export function labelOf(name: string): string {
  const words = name
    .replaceAll('_', ' ')
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace('Mi B', 'MiB');
  const lower = words.replaceAll(/\b[A-Z](?=[a-z]+\b)/g, (letter) => letter.toLowerCase());
  return (lower.charAt(0).toUpperCase() + lower.slice(1)).replaceAll(/\b(url|csv|sku|id)\b/gi, (word) =>
    word.toUpperCase(),
  );
}

function hintOf({ default: value, examples }: Schema): string | null {
  const shown = value ?? examples?.[0];
  if (shown === undefined) return null;
  if (Array.isArray(shown)) return shown.join(', ');
  return typeof shown === 'string' ? shown : JSON.stringify(shown);
}

/** What the fields show of a config; of a new one, its defaults. */
export function draftOf(fields: readonly Field[], config: Config): DraftGroup {
  return Object.fromEntries(fields.map((field) => [field.name, draftOfValue(field, config[field.name])]));
}

/** The defaults of a type, for a new config. */
export function defaultsOf(schema: Schema): Config {
  const defaults = Object.entries(schema.properties ?? {}).flatMap(([name, member]) =>
    member.default === undefined || typeof member.default === 'object' ? [] : [[name, member.default] as const],
  );
  const lists = Object.entries(schema.properties ?? {}).flatMap(([name, { default: value }]) =>
    Array.isArray(value) ? [[name, value as unknown] as const] : [],
  );
  return Object.fromEntries([...defaults, ...lists]);
}

function draftOfValue(field: Field, value: unknown): Draft {
  switch (field.kind) {
    case 'text':
    case 'secret':
      return typeof value === 'string' ? value : '';
    case 'choice':
      return typeof value === 'string' ? value : '';
    case 'number':
      return typeof value === 'number' ? value : '';
    case 'yes':
      if (field.isOpen) return typeof value === 'boolean' ? String(value) : '';
      return value === true;
    case 'choices':
      return Array.isArray(value) ? value.map(String) : [];
    case 'lines':
      return linesOf(value);
    case 'group':
      return draftOf(field.members, isObject(value) ? value : {});
    case 'json':
      return value === undefined ? '' : JSON.stringify(value, null, 2);
  }
}

function linesOf(value: unknown): string {
  if (Array.isArray(value)) return value.join('\n');
  if (!isObject(value)) return '';
  return Object.entries(value)
    .map(([name, text]) => `${name}: ${String(text)}`)
    .join('\n');
}

function isObject(value: unknown): value is Config {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(draft: Draft): string {
  return typeof draft === 'string' ? draft : '';
}

/** What cannot be read, by the pointer of its field. The rest is for the server to judge. */
export type Faults = ReadonlyMap<string, string>;

/** The config that the fields hold. Members that no field stands for stay as they were. */
export function configOf(
  fields: readonly Field[],
  draft: DraftGroup,
  before: Config = {},
): { config: Config; faults: Faults } {
  const faults = new Map<string, string>();
  const known = new Set(fields.map(({ name }) => name));
  const others = Object.entries(before).filter(([name]) => !known.has(name));
  const members = membersOf(fields, draft, faults);
  return { config: { ...Object.fromEntries(others), ...members }, faults };
}

function membersOf(fields: readonly Field[], draft: DraftGroup, faults: Map<string, string>): Config {
  const members = fields.flatMap((field) => {
    const value = valueOf(field, draft[field.name] ?? '', faults);
    return value === undefined ? [] : [[field.name, value] as const];
  });
  return Object.fromEntries(members);
}

/** Undefined where nothing was said. */
function valueOf(field: Field, draft: Draft, faults: Map<string, string>): unknown {
  switch (field.kind) {
    case 'text':
    case 'secret':
    case 'choice':
      return draft === '' ? undefined : draft;
    case 'number':
      return draft === '' ? undefined : Number(draft);
    case 'yes':
      return draft === '' ? undefined : draft === true || draft === 'true';
    case 'choices':
      return Array.isArray(draft) && (draft.length > 0 || field.isRequired) ? draft : undefined;
    case 'lines':
      return valueOfLines(field, textOf(draft), faults);
    case 'group': {
      const members = membersOf(field.members, draft as DraftGroup, faults);
      return Object.keys(members).length > 0 || field.isRequired ? members : undefined;
    }
    case 'json':
      return valueOfJson(field, textOf(draft), faults);
  }
}

function valueOfLines(field: Field & { kind: 'lines' }, text: string, faults: Map<string, string>): unknown {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.length === 0) return field.isRequired ? (field.of === 'record' ? {} : []) : undefined;
  if (field.of === 'string') return lines;
  if (field.of === 'number') {
    const wrong = lines.find((line) => !Number.isFinite(Number(line)));
    if (wrong !== undefined) faults.set(field.pointer, `“${wrong}” is no number`);
    return lines.map(Number);
  }
  const pairs = lines.map((line) => /^([^:]+):\s*(.*)$/.exec(line));
  const wrong = pairs.indexOf(null);
  if (wrong >= 0) faults.set(field.pointer, `“${lines[wrong] ?? ''}” is not like name: value`);
  return Object.fromEntries(pairs.flatMap((pair) => (pair === null ? [] : [[pair[1]?.trim() ?? '', pair[2] ?? '']])));
}

function valueOfJson({ pointer }: Field, text: string, faults: Map<string, string>): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    faults.set(pointer, 'is no JSON; text is written in quotes');
    return undefined;
  }
}

/** Top-level members that are not as they were: what one run is to have instead. */
export function changedMembers(config: Config, before: Config): Config {
  const changed = Object.entries(config).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]),
  );
  return Object.fromEntries(changed);
}
