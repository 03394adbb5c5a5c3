import type { Ajv2020, ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import type { TSchema } from 'typebox';
import { faultMessage } from './fault.message.ts';
import { ERRORS_MAX } from './field.path.ts';

export type Keys = readonly (string | number)[];

export interface Finding {
  keys: Keys;
  message: string;
}

/** The keywords that this file looks at; ajv looks at all. */
interface Node {
  type?: string | string[];
  properties?: Record<string, Node>;
  required?: string[];
  additionalProperties?: unknown;
  items?: Node;
  maxItems?: number;
  anyOf?: Node[];
  const?: unknown;
  [keyword: string]: unknown;
}

/**
 * Every wrong field of a value that does not fit its schema. Ajv's own `allErrors` has no bound: an array of a million
 * wrong items makes a million errors. This walks objects and arrays itself and stops at a hundred; ajv judges the rest.
 */
export class Explainer {
  readonly #ajv: Ajv2020;
  readonly #unknownField: string;
  /** Validators of whole schemas, and of objects and arrays without what they hold. */
  readonly #whole = new Map<Node, ValidateFunction>();
  readonly #shell = new Map<Node, ValidateFunction>();

  constructor(ajv: Ajv2020, unknownField: string) {
    this.#ajv = ajv;
    this.#unknownField = unknownField;
  }

  explain(schema: TSchema, value: unknown): Finding[] {
    const found = new Findings();
    this.#visit(schema as Node, value, [], found);
    return found.list;
  }

  #visit(schema: Node, value: unknown, keys: Keys, found: Findings): void {
    if (found.full) return;
    if (isRecord(value) && schema.properties !== undefined) this.#visitObject(schema, value, keys, found);
    else if (Array.isArray(value) && schema.items !== undefined) this.#visitArray(schema, value, keys, found);
    else if (schema.anyOf !== undefined) this.#visitUnion(schema, schema.anyOf, value, keys, found);
    else judge(this.#wholeOf(schema), value, keys, found);
  }

  #visitObject(schema: Node, value: Record<string, unknown>, keys: Keys, found: Findings): void {
    const { properties = {}, required = [] } = schema;
    for (const name of required) {
      if (!Object.hasOwn(value, name)) found.add([...keys, name], 'is required');
    }
    for (const name of Object.keys(value)) {
      if (found.full) return;
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
      if (property !== undefined) this.#visit(property, value[name], [...keys, name], found);
      else if (schema.additionalProperties === false) found.add([...keys, name], this.#unknownField);
    }
    judge(this.#shellOf(schema), value, keys, found);
  }

  #visitArray(schema: Node, value: readonly unknown[], keys: Keys, found: Findings): void {
    judge(this.#shellOf(schema), value, keys, found);
    if (schema.items === undefined || value.length > (schema.maxItems ?? Infinity)) return;
    const fits = this.#wholeOf(schema.items);
    for (let index = 0; index < value.length && !found.full; index += 1) {
      if (!fits(value[index])) this.#visit(schema.items, value[index], [...keys, index], found);
    }
  }

  /** Of several shapes, the one that the value was meant to have: of its type, and with its word where they differ. */
  #visitUnion(schema: Node, shapes: readonly Node[], value: unknown, keys: Keys, found: Findings): void {
    if (this.#wholeOf(schema)(value)) return;
    const meant = shapes.filter((shape) => hasTypeOf(shape, value) && hasWordsOf(shape, value));
    const [only] = meant;
    if (only !== undefined && meant.length === 1) this.#visit(only, value, keys, found);
    else found.add(keys, 'has none of the shapes that are allowed here');
  }

  #wholeOf(schema: Node): ValidateFunction {
    const validate = this.#whole.get(schema) ?? this.#ajv.compile(schema);
    this.#whole.set(schema, validate);
    return validate;
  }

  #shellOf(schema: Node): ValidateFunction {
    const {
      properties: _properties,
      required: _required,
      additionalProperties: _rest,
      items: _items,
      ...shell
    } = schema;
    const validate = this.#shell.get(schema) ?? this.#ajv.compile(shell);
    this.#shell.set(schema, validate);
    return validate;
  }
}

class Findings {
  readonly list: Finding[] = [];

  get full(): boolean {
    return this.list.length >= ERRORS_MAX;
  }

  add(keys: Keys, message: string): void {
    if (!this.full) this.list.push({ keys, message });
  }
}

function judge(validate: ValidateFunction, value: unknown, keys: Keys, found: Findings): void {
  if (validate(value)) return;
  for (const error of validate.errors ?? []) found.add([...keys, ...keysOf(error)], faultMessage(error, value));
}

/** Where in the judged value ajv found the fault: below it only in schemas that this file does not walk. */
function keysOf(error: ErrorObject): string[] {
  const pointer = error.instancePath.split('/').slice(1);
  return pointer.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function hasTypeOf({ type }: Node, value: unknown): boolean {
  if (type === undefined) return true;
  const types = Array.isArray(type) ? type : [type];
  if (value === null) return types.includes('null');
  if (Array.isArray(value)) return types.includes('array');
  return types.includes(typeof value) || (typeof value === 'number' && types.includes('integer'));
}

function hasWordsOf({ properties = {} }: Node, value: unknown): boolean {
  if (!isRecord(value)) return true;
  return Object.entries(properties).every(([name, { const: word }]) => word === undefined || value[name] === word);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
