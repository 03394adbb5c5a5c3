/** One block of an event stream. */
export interface Block {
  id: string | null;
  event: string;
  /** Null where the block has no data: it is no event, but its id counts. */
  data: string | null;
  retryMs: number | null;
}

/**
 * Takes a stream of Server-Sent Events apart (HTML standard, section 9.2.6), in whatever pieces it comes.
 *
 * @returns the blocks that a piece completes
 */
export function createSseParser(): (text: string) => Block[] {
  let rest = '';
  let block = emptyBlock();
  return (text) => {
    const blocks: Block[] = [];
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') {
        addField(block, line);
        continue;
      }
      blocks.push(block);
      block = emptyBlock();
    }
    return blocks;
  };
}

function emptyBlock(): Block {
  return { id: null, event: 'message', data: null, retryMs: null };
}

function addField(block: Block, line: string): void {
  const colon = line.indexOf(':');
  const field = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
  if (field === 'id' && !value.includes('\0')) block.id = value;
  if (field === 'event') block.event = value;
  if (field === 'data') block.data = block.data === null ? value : `${block.data}\n${value}`;
  if (field === 'retry' && /^\d+$/.test(value)) block.retryMs = Number(value);
}
