import { sql, type Kysely, type Transaction } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Tables } from '../../platform/database/index.ts';

export interface FileRow {
  name: string;
  media_type: string;
  size: number;
  pieces: number;
  /** Which writing of the file it is, in the column `fence`: higher in each attempt, and with each writing in it. */
  edition: number;
}

export async function filesOf(db: Kysely<Tables>, runId: string): Promise<FileRow[]> {
  return db
    .selectFrom('run_file')
    .select(['name', 'media_type', 'size', 'pieces', 'fence as edition'])
    .where('run_id', '=', runId)
    .orderBy('name')
    .execute();
}

export async function findFile(db: Kysely<Tables>, runId: string, name: string): Promise<FileRow | undefined> {
  return db
    .selectFrom('run_file')
    .select(['name', 'media_type', 'size', 'pieces', 'fence as edition'])
    .where('run_id', '=', runId)
    .where('name', '=', name)
    .executeTakeFirst();
}

export async function readPiece(
  db: Kysely<Tables>,
  runId: string,
  file: Pick<FileRow, 'name' | 'edition'>,
  piece: number,
): Promise<Buffer | undefined> {
  const row = await db
    .selectFrom('run_file_piece')
    .select('bytes')
    .where('run_id', '=', runId)
    .where('name', '=', file.name)
    .where('fence', '=', file.edition)
    .where('piece', '=', piece)
    .executeTakeFirst();
  return row?.bytes;
}

export async function insertPiece(
  db: Kysely<Tables>,
  piece: { runId: string; name: string; edition: number; piece: number; bytes: Buffer },
): Promise<void> {
  await db
    .insertInto('run_file_piece')
    .values({ run_id: piece.runId, name: piece.name, fence: piece.edition, piece: piece.piece, bytes: piece.bytes })
    .execute();
}

/** The file is there from here on, where none that was begun later is; what earlier ones left of it is gone. */
export async function putFile(tx: Transaction<Tables>, runId: string, file: FileRow, nowMs: number): Promise<void> {
  await sql`
    INSERT INTO run_file (run_id, name, media_type, size, pieces, fence, at)
    VALUES (${runId}::uuid, ${file.name}, ${file.media_type}, ${file.size}, ${file.pieces}, ${file.edition},
      ${toRfc3339(nowMs)}::timestamptz)
    ON CONFLICT (run_id, name) DO UPDATE SET media_type = excluded.media_type, size = excluded.size,
      pieces = excluded.pieces, fence = excluded.fence, at = excluded.at
    WHERE run_file.fence < excluded.fence
  `.execute(tx);
  await sql`
    DELETE FROM run_file_piece WHERE run_id = ${runId}::uuid AND name = ${file.name} AND fence < ${file.edition}
  `.execute(tx);
}
