/** One file or directory of a backup, on its way in or out. Its chunks must be taken before the next entry is. */
export interface BackupEntry {
  /** From the top of the backup, with slashes. */
  path: string;
  kind: 'file' | 'directory';
  sizeBytes: number;
  chunks: AsyncIterable<Buffer>;
}

/** Why a backup cannot be made or used; the message is for the person at the terminal. */
export class BackupError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BackupError';
  }
}

/** Nothing is wrong with the backup: what is there already is not overwritten. */
export class BackupRefused extends BackupError {
  override name = 'BackupRefused';
}

/** Told as bytes go through; `totalBytes` is an estimate. */
export type BackupProgress = (doneBytes: number, totalBytes: number) => void;

export function directoryEntry(path: string): BackupEntry {
  return { path, kind: 'directory', sizeBytes: 0, chunks: nothing() };
}

export function textEntry(path: string, text: string): BackupEntry {
  return bytesEntry(path, Buffer.from(text));
}

export function bytesEntry(path: string, bytes: Buffer): BackupEntry {
  return { path, kind: 'file', sizeBytes: bytes.length, chunks: once(bytes) };
}

export async function textOf({ chunks }: BackupEntry): Promise<string> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString('utf8');
}

async function* nothing(): AsyncGenerator<Buffer> {}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield bytes;
}
