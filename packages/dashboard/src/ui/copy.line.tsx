import { useRef, useState } from 'react';
import { Icon } from './icon.tsx';
import classes from './copy.line.module.css';

/** One line to take along, such as a command or an id. */
export function CopyLine({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const shown = useRef<HTMLElement>(null);
  const copy = async (): Promise<void> => {
    if (!(await copyText(text, shown.current))) return;
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <span className={classes['line']}>
      <code ref={shown} className={classes['text']} tabIndex={0} role="group" aria-label={text}>
        {text}
      </code>
      <button type="button" className={classes['button']} onClick={() => void copy()} aria-label={label} title={label}>
        <Icon name={copied ? 'check' : 'copy'} size={16} />
      </button>
      <span className="hf-hidden" role="status">
        {copied ? 'Copied' : ''}
      </span>
    </span>
  );
}

/** Where the page is no secure context the browser keeps the clipboard from it: then the text is selected, to be copied by hand. */
async function copyText(text: string, shown: HTMLElement | null): Promise<boolean> {
  // Typed as always there; on plain http of another machine it is not.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (clipboard !== undefined) {
    await clipboard.writeText(text);
    return true;
  }
  if (shown !== null) getSelection()?.selectAllChildren(shown);
  return false;
}
