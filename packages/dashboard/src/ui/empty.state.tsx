import type { ReactNode } from 'react';
import { CopyLine } from './copy.line.tsx';
import { Icon, type IconName } from './icon.tsx';
import classes from './empty.state.module.css';

interface EmptyStateProps {
  title: string;
  icon?: IconName;
  /** What belongs here, and why there is none of it. */
  children?: ReactNode;
  /** The first step. */
  action?: ReactNode;
  /** The same step from a shell: a path and a body of the API. */
  curl?: { method: string; path: string; body?: object };
}

/** An empty list says what belongs there, and offers the first step with the line that does the same from a shell. */
export function EmptyState({ title, icon = 'boxes', children, action, curl }: EmptyStateProps) {
  return (
    <div className={classes['empty']}>
      <span className={classes['icon']}>
        <Icon name={icon} size={28} />
      </span>
      <h2 className={classes['title']}>{title}</h2>
      {children !== undefined && <div className={classes['text']}>{children}</div>}
      {action}
      {curl !== undefined && <CopyLine text={curlLine(curl)} label="Copy the command" />}
    </div>
  );
}

export function curlLine({ method, path, body }: NonNullable<EmptyStateProps['curl']>): string {
  const url = `${location.origin}${path}`;
  if (body === undefined) return method === 'GET' ? `curl ${url}` : `curl -X ${method} ${url}`;
  const quoted = JSON.stringify(body).replaceAll("'", String.raw`'\''`);
  const verb = method === 'POST' ? '' : ` -X ${method}`;
  return `curl${verb} ${url} -H 'content-type: application/json' -d '${quoted}'`;
}
