/** A value that cannot be kept as JSON. */
export class NoJsonError extends Error {
  override readonly name = 'NoJsonError';
}

/**
 * A result as JSON text. Unlike JSON.stringify it passes over nothing in silence: what JSON cannot say is an error that
 * names where it stands. Text that no database keeps (NUL, lone surrogates) is replaced.
 *
 * @param what is told in errors: "the result"
 * @throws NoJsonError
 */
export function jsonText(value: unknown, what: string, maxBytes: number): string {
  const text = written(value ?? null, what);
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) throw new NoJsonError(`${what} has ${bytes} bytes as JSON, and at most ${maxBytes} are kept`);
  return text;
}

function written(value: unknown, what: string): string {
  try {
    return JSON.stringify(value, function (this: unknown, key: string, item: unknown) {
      const fault = faultOf(item);
      if (fault !== null) throw new NoJsonError(`${key === '' ? what : `"${key}" of ${what}`} is ${fault}`);
      return typeof item === 'string' ? item.replaceAll('\0', '\ufffd').toWellFormed() : item;
    });
  } catch (error) {
    if (error instanceof NoJsonError) throw error;
    if (error instanceof RangeError) throw new NoJsonError(`${what} is nested too deeply`);
    const isCycle = error instanceof TypeError && error.message.includes('circular');
    throw new NoJsonError(isCycle ? `${what} holds itself` : `${what} cannot be written: ${String(error)}`);
  }
}

function faultOf(item: unknown): string | null {
  switch (typeof item) {
    case 'function':
    case 'symbol':
      return `a ${typeof item}, which is no JSON`;
    case 'bigint':
      return 'a BigInt, which is no JSON: make it a number or text';
    case 'number':
      return Number.isFinite(item) ? null : `${item}, which is no JSON`;
    case 'object':
      return item === null ? null : faultOfObject(item);
    default:
      return null;
  }
}

function faultOfObject(item: object): string | null {
  if (item instanceof Promise) return 'a promise: await it';
  if (item instanceof Map || item instanceof Set) return `a ${item.constructor.name}, which is no JSON`;
  if (item instanceof Error) return 'an Error, which is no JSON';
  if (ArrayBuffer.isView(item) || item instanceof ArrayBuffer) return 'bytes, which are no JSON: write a file';
  return null;
}
