import type { TObject, TSchema } from 'typebox';
import { Problem, problems, type FieldError } from '../../kernel/problem.ts';
import { Explainer } from '../../platform/http/explain.ts';
import { pointerTo } from '../../platform/http/field.path.ts';
import { createAjv } from '../../platform/http/validator.ts';
import type { JobType } from '../../platform/jobs/index.ts';

export interface TypeDefaults {
  timeoutMs: number;
  retries: number;
  keepDays: number;
}

export const TYPE_DEFAULTS: TypeDefaults = { timeoutMs: 300_000, retries: 3, keepDays: 30 };

type Config = Record<string, unknown>;

interface Known {
  type: JobType;
  fits: (config: unknown) => boolean;
  /** Members that are taken and never shown. */
  hidden: readonly string[];
}

/** The types that this process knows. */
export class TypeBook {
  readonly #types = new Map<string, Known>();
  readonly #ajv = createAjv();
  readonly #explainer = new Explainer(this.#ajv, 'is not a member of this config');

  constructor(types: readonly JobType[]) {
    // What a user's schema may say beyond ours.
    this.#ajv.opts.strict = false;
    for (const type of types) {
      if (this.#types.has(type.name)) throw new Error(`there are two job types named ${type.name}`);
      this.#types.set(type.name, { type, fits: this.#ajv.compile(type.config), hidden: writeOnlyOf(type.config) });
    }
  }

  get all(): JobType[] {
    return [...this.#types.values()].map(({ type }) => type);
  }

  get names(): string[] {
    return [...this.#types.keys()];
  }

  find(name: string): JobType | undefined {
    return this.#types.get(name)?.type;
  }

  defaultsOf(name: string): TypeDefaults {
    return { ...TYPE_DEFAULTS, ...this.find(name)?.defaults };
  }

  /** Of Holdfast's own jobs alone. */
  isSystem(name: string): boolean {
    return this.find(name)?.system !== undefined;
  }

  /** A duty that every instance does all the time: it has no runs. */
  isContinuous(name: string): boolean {
    return this.find(name)?.system?.kind === 'continuous';
  }

  /** How many runs of a type there may be at once; a type that is not in it: as many as there are slots. */
  get bounds(): Readonly<Record<string, number>> {
    const bounded = this.all.flatMap(({ name, concurrency }) =>
      concurrency === undefined ? [] : [[name, concurrency] as const],
    );
    return Object.fromEntries(bounded);
  }

  /** @throws Problem `validation_failed` for a type that is not there, and for a config that does not fit it */
  async check(name: string, config: Config): Promise<void> {
    const known = this.#types.get(name);
    if (known === undefined) {
      throw invalid([{ path: '/type', message: `is no type of this server; there are ${this.names.join(', ')}` }]);
    }
    if (!known.fits(config)) {
      const found = this.#explainer.explain(known.type.config, config);
      throw invalid(found.map(({ keys, message }) => ({ path: pointerTo(['config', ...keys]), message })));
    }
    await known.type.check?.(config);
  }

  /** The config with the defaults of its schema's members. */
  withDefaults(name: string, config: Config): Config {
    const properties = propertiesOf(this.find(name)?.config);
    const defaults = Object.entries(properties).flatMap(([member, schema]) =>
      'default' in schema ? [[member, schema.default] as const] : [],
    );
    return { ...Object.fromEntries(defaults), ...config };
  }

  /** As it may be shown: without what is written only, and nothing of a type of which nobody here knows what that is. */
  shown(name: string, config: Config): Config {
    const hidden = this.#types.get(name)?.hidden;
    if (hidden === undefined) return {};
    if (!hidden.some((member) => member in config)) return config;
    return Object.fromEntries(Object.entries(config).filter(([member]) => !hidden.includes(member)));
  }

  /** A new config, with what the old one has and nobody can see or send back. `null` takes such a member away. */
  keepHidden(name: string, config: Config, before: Config): Config {
    const hidden = this.#types.get(name)?.hidden ?? [];
    const after = { ...config };
    for (const member of hidden) {
      if (after[member] === null) delete after[member];
      else if (member in before && !(member in after)) after[member] = before[member];
    }
    return after;
  }
}

export function invalid(errors: FieldError[]): Problem {
  const detail = errors.map(({ path, message }) => `${path} ${message}`).join('; ');
  return new Problem(problems.validationFailed, `${detail}.`, { errors });
}

function propertiesOf(schema: TSchema | undefined): Record<string, TSchema> {
  return (schema as TObject | undefined)?.properties ?? {};
}

function writeOnlyOf(schema: TSchema): string[] {
  return Object.entries(propertiesOf(schema)).flatMap(([member, { writeOnly }]: [string, { writeOnly?: unknown }]) =>
    writeOnly === true ? [member] : [],
  );
}
