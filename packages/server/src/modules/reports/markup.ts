const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text that was made by {@link markup}: the only one that it takes as it is. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Markup | string | number | readonly Markup[];

/**
 * HTML of a template. Whatever is put in is text, and escaped, unless it is markup itself. It is not called `html`:
 * formatters would lay its templates out, and end what another piece of a page is to end.
 */
export function markup(strings: TemplateStringsArray, ...parts: Part[]): Markup {
  let text = strings[0] ?? '';
  for (const [place, part] of parts.entries()) text += `${textOf(part)}${strings[place + 1] ?? ''}`;
  return new Markup(text);
}

function textOf(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(({ text }) => text).join('');
  return escapeHtml(String(part));
}

/** For text and for quoted attributes. Controls would be an error of the page, or a line of their own. */
function escapeHtml(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}
