import { isDeepStrictEqual } from 'node:util';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const API_KEY = /^hf_[0-9A-Za-z_-]+$/;
/** Numbers and words that are another one on every server. */
const OF_ITS_SERVER = new Set(['seq', 'instance', 'nextCursor', 'prefix', 'key']);

/**
 * Compares an answer with what a page shows of it: the page may leave members out, but what it shows must be so. Ids and
 * times are others on every server; one that a page shows twice must be the same twice.
 */
export class DocumentedAnswer {
  readonly #ids = new Map<string, string>();

  /** @returns what is different, a line each */
  differences(shown: unknown, actual: unknown, path = ''): string[] {
    if (Array.isArray(shown)) return this.#ofArrays(shown, actual, path);
    if (typeof shown === 'object' && shown !== null) return this.#ofObjects(shown, actual, path);
    if (typeof shown === 'string' && typeof actual === 'string') return this.#ofTexts(shown, actual, path);
    return isDeepStrictEqual(shown, actual) ? [] : [differs(path, shown, actual)];
  }

  #ofArrays(shown: unknown[], actual: unknown, path: string): string[] {
    if (!Array.isArray(actual) || actual.length !== shown.length) return [differs(path, shown, actual)];
    return shown.flatMap((item, index) => this.differences(item, actual[index], `${path}/${index}`));
  }

  #ofObjects(shown: object, actual: unknown, path: string): string[] {
    if (typeof actual !== 'object' || actual === null || Array.isArray(actual)) return [differs(path, shown, actual)];
    const members = new Map<string, unknown>(Object.entries(actual));
    return Object.entries(shown).flatMap(([name, value]) => {
      const at = `${path}/${name}`;
      if (!members.has(name)) return [`${at} is shown and not there`];
      const found = members.get(name);
      const isItsOwn = OF_ITS_SERVER.has(name) && value !== null && typeof value === typeof found;
      return isItsOwn ? [] : this.differences(value, found, at);
    });
  }

  #ofTexts(shown: string, actual: string, path: string): string[] {
    for (const form of [TIME, API_KEY]) if (form.test(shown) && form.test(actual)) return [];
    if (!UUID.test(shown) || !UUID.test(actual)) return shown === actual ? [] : [differs(path, shown, actual)];
    const known = this.#ids.get(shown) ?? actual;
    this.#ids.set(shown, known);
    return known === actual ? [] : [differs(path, `${known} (shown as ${shown})`, actual)];
  }
}

function differs(path: string, shown: unknown, actual: unknown): string {
  return `${path === '' ? 'the answer' : path} is shown as ${JSON.stringify(shown)} and is ${JSON.stringify(actual)}`;
}
