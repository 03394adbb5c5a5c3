/** A fenced block of a Markdown page. */
export interface Block {
  /** What stands behind the fence, such as `sh` or `json`. */
  language: string;
  text: string;
  /** The line of its opening fence, from 1. */
  line: number;
}

const FENCE = /^(`{3,})([a-z]*)\s*$/;

/** All fenced blocks of a page, in their order. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let open: { fence: string; language: string; line: number; lines: string[] } | null = null;
  for (const [index, text] of page.split('\n').entries()) {
    if (open !== null && text.trimEnd() === open.fence) {
      blocks.push({ language: open.language, text: open.lines.join('\n'), line: open.line });
      open = null;
    } else if (open !== null) {
      open.lines.push(text);
    } else {
      const [, fence, language = ''] = FENCE.exec(text) ?? [];
      if (fence !== undefined) open = { fence, language, line: index + 1, lines: [] };
    }
  }
  if (open !== null) throw new Error(`the block that opens in line ${open.line} is never closed`);
  return blocks;
}

/** The page without what stands in fenced blocks and code spans: there `[x](y)` is no link. */
export function proseOf(page: string): string {
  let inBlock = false;
  const lines = page.split('\n').map((line) => {
    const isFence = line.startsWith('```');
    if (isFence) inBlock = !inBlock;
    return inBlock || isFence ? '' : line.replaceAll(/`[^`]*`/g, '');
  });
  return lines.join('\n');
}

/** The targets of its links and images, `#anchor` included. */
export function linksOf(page: string): string[] {
  const prose = proseOf(page);
  const inline = [...prose.matchAll(/\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)?)\)/g)].map((match) => match[1] ?? '');
  const html = [...prose.matchAll(/\b(?:src|srcset|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
  return [...inline, ...html];
}

/** The anchors that GitHub gives to the headings of a page. */
export function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  let inBlock = false;
  for (const line of page.split('\n')) {
    if (line.startsWith('```')) inBlock = !inBlock;
    const heading = inBlock ? undefined : /^#{1,6}\s+(.*?)\s*$/.exec(line)?.[1];
    if (heading !== undefined) anchors.add(anchorOf(heading));
  }
  return anchors;
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
}

/** The rows of the first table whose first heading is this, cells trimmed; without its head. */
export function tableOf(page: string, firstHeading: string): { head: string[]; rows: string[][] } {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => line.startsWith('|') && cellsOf(line)[0] === firstHeading);
  if (start === -1) throw new Error(`there is no table that begins with ${firstHeading}`);
  const rows: string[][] = [];
  for (let index = start + 2; lines[index]?.startsWith('|') === true; index += 1)
    rows.push(cellsOf(lines[index] ?? ''));
  return { head: cellsOf(lines[start] ?? ''), rows };
}

function cellsOf(line: string): string[] {
  const cells = line.split('|').slice(1, -1);
  return cells.map((cell) => cell.trim());
}
