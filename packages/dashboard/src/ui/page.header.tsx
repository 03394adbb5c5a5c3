import { useEffect, type ReactNode } from 'react';
import classes from './page.header.module.css';

interface PageHeaderProps {
  title: string;
  /** Beside the title: a count, a state. */
  beside?: ReactNode;
  /** One line below it. */
  about?: ReactNode;
  /** Buttons, to the right. */
  actions?: ReactNode;
}

/** The heading of a page; it names the tab, too. */
export function PageHeader({ title, beside, about, actions }: PageHeaderProps) {
  useEffect(() => void (document.title = `${title} · Holdfast`), [title]);
  return (
    <header className={classes['header']}>
      <div className={classes['titles']}>
        <div className={classes['line']}>
          <h1 dir="auto" className={classes['title']}>
            {title}
          </h1>
          {beside}
        </div>
        {about !== undefined && <div className={classes['about']}>{about}</div>}
      </div>
      {actions !== undefined && <div className={classes['actions']}>{actions}</div>}
    </header>
  );
}
