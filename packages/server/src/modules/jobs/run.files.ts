import type { Engine } from '../../engine/index.ts';
import type { CommandMeta } from '../../kernel/command.ts';
import type { Database } from '../../platform/database/index.ts';
import { PermanentError, RunLostError, type RunFile } from '../../platform/jobs/index.ts';
import { insertPiece, putFile, readPiece, type FileRow } from './run.files.sql.ts';
import { holdAttempt } from './run.notes.sql.ts';

const PIECE_BYTES = 262_144;
const FILE_MAX_BYTES = 512 * 1_048_576;
const NAME = /^[\w][\w .()+-]{0,198}$/;
/** RFC 9110, 8.3.1, of what a header can carry: it is sent as the type of the file. */
const MEDIA_TYPE = /^(?=.{1,200}$)[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?: ?; ?[\w-]+=(?:[\w.+-]+|"[\w .,+-]*"))*$/;
const WRITINGS_MAX = 1_000_000;

/** A file that is to be written. */
export interface FileOfAttempt {
  runId: string;
  fence: number;
  /** How many the attempt began to write before. */
  writing: number;
  name: string;
  mediaType: string;
}

/**
 * Keeps a file with a run, piece by piece; it is there when all of it is. Each writing of each attempt has pieces of its
 * own: one that fails, or goes on beside another of the same name, leaves that one whole.
 */
export async function writeRunFile(
  { engine, database, meta }: { engine: Engine; database: Database; meta: CommandMeta },
  file: FileOfAttempt,
  content: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  signal: AbortSignal,
): Promise<RunFile> {
  if (!NAME.test(file.name)) throw new PermanentError(`${JSON.stringify(file.name)} is no name for a file.`);
  if (!MEDIA_TYPE.test(file.mediaType))
    throw new PermanentError(`${JSON.stringify(file.mediaType)} is no media type, such as text/csv.`);
  if (file.writing >= WRITINGS_MAX) throw new PermanentError(`An attempt writes at most ${WRITINGS_MAX} files.`);
  const edition = file.fence * WRITINGS_MAX + file.writing;
  let size = 0;
  let pieces = 0;
  for await (const bytes of inPieces(content)) {
    signal.throwIfAborted();
    size += bytes.length;
    if (size > FILE_MAX_BYTES)
      throw new PermanentError(`The file ${file.name} is larger than ${FILE_MAX_BYTES} bytes.`);
    await insertPiece(database.kysely, { runId: file.runId, name: file.name, edition, piece: pieces, bytes });
    pieces += 1;
  }
  const row: FileRow = { name: file.name, media_type: file.mediaType, size, pieces, edition };
  await engine.transact(meta, async (tx, nowMs) => {
    if (!(await holdAttempt(tx, file.runId, file.fence))) throw new RunLostError('The run is no longer this worker’s.');
    await putFile(tx, file.runId, row, nowMs);
    return { status: 204, body: null, journal: [] };
  });
  return { name: file.name, mediaType: file.mediaType, size };
}

/** The bytes of a run's file. */
export async function* readRunFile(
  { kysely }: Database,
  runId: string,
  file: Pick<FileRow, 'name' | 'edition' | 'pieces'>,
): AsyncGenerator<Buffer> {
  for (let piece = 0; piece < file.pieces; piece += 1) {
    const bytes = await readPiece(kysely, runId, file, piece);
    if (bytes === undefined) throw new Error('the file was replaced while it was read');
    yield bytes;
  }
}

async function* inPieces(
  content: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
): AsyncGenerator<Buffer> {
  let gathered: Buffer[] = [];
  let size = 0;
  for await (const chunk of content) {
    let rest =
      typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    while (size + rest.length >= PIECE_BYTES) {
      const taken = rest.subarray(0, PIECE_BYTES - size);
      yield Buffer.concat([...gathered, taken]);
      rest = rest.subarray(taken.length);
      gathered = [];
      size = 0;
    }
    if (rest.length > 0) gathered.push(rest);
    size += rest.length;
  }
  if (size > 0) yield Buffer.concat(gathered);
}
