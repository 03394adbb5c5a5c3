import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Problem, validationFailed } from '../../kernel/problem.ts';
import { EgressError, TARGET_MAX_LENGTH, type Egress } from '../../platform/egress/index.ts';
import { Shape, text } from '../../platform/http/schemas.ts';
import { PermanentError } from '../../platform/jobs/index.ts';

const MIB = 1_048_576;
const CONTENT_MAX_BYTES = MIB;

/** Where a job's CSV comes from. Another place is another member, and a line in {@link writeSource}. */
export const ImportSource = Shape(
  {
    url: Type.Optional(
      text(TARGET_MAX_LENGTH, {
        description:
          'An http or https URL that answers 200 with the file. It is fetched when the job runs; redirects are not followed.',
        examples: ['https://erp.example.com/export/stock.csv'],
      }),
    ),
    content: Type.Optional(
      text(CONTENT_MAX_BYTES, {
        description: 'The CSV itself, up to 1 MiB of UTF-8.',
        examples: ['sku,location,quantity\nSKU-1,WH001,5\n'],
      }),
    ),
  },
  { minProperties: 1, description: 'Where the CSV comes from: one of url and content.' },
);
export type ImportSource = Static<typeof ImportSource>;

export interface SourceLimits {
  maxBytes: number;
  timeoutMs: number;
}

/** @throws Problem `validation_failed`, `forbidden_target` */
export async function checkSource(source: ImportSource, egress: Egress): Promise<void> {
  if (Object.keys(source).length !== 1) throw wrong('', 'must be one of url and content, not both');
  const { url, content = '' } = source;
  if (Buffer.byteLength(content) > CONTENT_MAX_BYTES) {
    throw wrong('/content', `must have at most ${CONTENT_MAX_BYTES} bytes in UTF-8`);
  }
  if (url !== undefined) await egress.checkTarget(url, '/config/source/url');
}

function wrong(member: string, message: string): Problem {
  return validationFailed([{ path: `/config/source${member}`, message }]);
}

/** As it may be shown: what follows the `?` can be a secret. */
export function nameOf({ url }: ImportSource): string {
  if (url === undefined || !URL.canParse(url)) return 'The content';
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/**
 * Does the work with a directory of its own that is gone afterwards, whatever happens.
 *
 * @param parent absent: the system's own for such things
 */
export async function withDirectory<Result>(
  parent: string | undefined,
  work: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(parent ?? tmpdir(), 'holdfast-import-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Writes the source to a file, since an import reads it twice.
 *
 * @throws PermanentError where trying again would not help; Error where it may
 */
export async function writeSource(
  source: ImportSource,
  path: string,
  options: SourceLimits & { egress: Egress; signal: AbortSignal },
): Promise<void> {
  const { url, content = '' } = source;
  await writeFile(path, url === undefined ? content : await download(url, options));
}

/** Answers of a server that is busy or ill: worth another attempt. */
const MAY_PASS = new Set([408, 425, 429, 500, 502, 503, 504]);

async function download(
  url: string,
  { egress, signal, maxBytes, timeoutMs }: SourceLimits & { egress: Egress; signal: AbortSignal },
): Promise<Buffer> {
  const name = nameOf({ url });
  const call = {
    url,
    method: 'GET',
    headers: { accept: 'text/csv, text/plain;q=0.9, */*;q=0.1', 'accept-encoding': 'identity' },
    timeoutMs,
    bodyTimeoutMs: timeoutMs,
    maxResponseBytes: maxBytes,
    signal,
  };
  const { status, headers, body, isComplete } = await egress.request(call).catch((error: unknown) => {
    signal.throwIfAborted();
    if (error instanceof Problem) throw new PermanentError(error.detail);
    if (error instanceof EgressError) throw new Error(`${name}: ${error.message}.`, { cause: error });
    throw error;
  });
  signal.throwIfAborted();
  if (status !== 200) {
    const hint = status >= 300 && status < 400 ? ' Redirects are not followed.' : '';
    const message = `${name} answered ${status}.${hint}`;
    throw MAY_PASS.has(status) ? new Error(message) : new PermanentError(message);
  }
  if (!isComplete && body.length >= maxBytes) {
    throw new PermanentError(`${name} is larger than ${maxBytes / MIB} MiB, which is what "maxMiB" allows.`);
  }
  if (!isComplete) throw new Error(`${name} did not come to its end within ${timeoutMs / 1000} s.`);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new PermanentError(`${name} came as ${encoding}, which was not asked for.`);
  return body;
}
