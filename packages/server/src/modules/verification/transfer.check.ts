import type { KeyRange, Snapshot } from './snapshot.sql.ts';
import { compareTransfers, findStrayTransferEntries, type TransferSlice } from './transfer.check.sql.ts';
import type { Differences } from './verification.report.ts';

const CHECK = 'transfer_moved_what_it_says';

/** Every movement of a transfer belongs to one that exists. */
export async function checkTransferEntries(tx: Snapshot, range: KeyRange, differences: Differences): Promise<void> {
  for (const { sku, location, seq, type, referenceId } of await findStrayTransferEntries(tx, range)) {
    const whose =
      referenceId === null ? 'names no transfer' : `names the transfer ${referenceId}, which does not exist`;
    differences.add(CHECK, { sku, location, subject: String(seq) }, `entry ${seq} (${type}) ${whose}`);
  }
}

/** The next transfers by id: what their lines say left the one place and came to the other. */
export async function checkTransfers(
  tx: Snapshot,
  page: { after: string | null; until: string; limit: number },
  differences: Differences,
): Promise<TransferSlice> {
  const slice = await compareTransfers(tx, page.after, page.until, page.limit);
  for (const { id, sku, location, type, asked, posted } of slice.differing) {
    const detail = `${type}: its lines say ${asked}, the ledger ${posted}`;
    differences.add(CHECK, { sku, location, subject: id }, detail);
  }
  return slice;
}
