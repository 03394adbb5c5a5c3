import type { MouseEvent } from 'react';
import { send } from '../../api/holdfast.ts';
import { currentKey } from '../../api/session.store.ts';
import { saveBlob } from '../../ui/download.ts';
import { Icon } from '../../ui/icon.tsx';
import { showProblem } from '../../ui/toasts.tsx';
import type { RunWhole } from './job.words.ts';
import classes from './jobs.module.css';
import detail from './detail.module.css';

const whole = new Intl.NumberFormat();

/** `812 B`, `1.4 kB`, `3.2 MB`. */
function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${whole.format(Math.round(bytes / 100_000) / 10)} MB`;
}

/** What a run has made, to be fetched. */
export function RunFiles({ run: { id, files } }: { run: Pick<RunWhole, 'id' | 'files'> }) {
  if (files.length === 0) return null;
  return (
    <section className={detail['section']}>
      <h3 className={detail['heading']}>Files</h3>
      <ul className={detail['files']}>
        {files.map(({ name, mediaType, size }) => {
          const href = `/api/v1/runs/${id}/files/${encodeURIComponent(name)}`;
          return (
            <li key={name}>
              <a href={href} target="_blank" rel="noreferrer" onClick={(event) => fetchWithKey(event, href, name)}>
                <Icon name="download" size={16} /> {name}
              </a>{' '}
              <span className={classes['dim']}>
                {mediaType}, {sizeText(size)}
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** A link carries the cookie of a session, and never the key that was typed at sign-in. */
function fetchWithKey(event: MouseEvent, href: string, name: string): void {
  if (currentKey() === null) return;
  event.preventDefault();
  const take = async (): Promise<void> => {
    const response = await send(new Request(new URL(href, location.origin)));
    if (!response.ok) throw new Error(`the file answered ${response.status}`);
    saveBlob(name, await response.blob());
  };
  take().catch(showProblem);
}
