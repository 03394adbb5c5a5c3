import { Button } from '@mantine/core';
import { HoldfastError } from '@holdfast/client';
import { CopyLine } from './copy.line.tsx';
import { Icon } from './icon.tsx';
import classes from './problem.notice.module.css';

interface ProblemNoticeProps {
  error: unknown;
  title?: string;
  onRetry?: () => void;
}

/** What went wrong and what to do about it, with the id that finds it in the server's log. */
export function ProblemNotice({ error, title, onRetry }: ProblemNoticeProps) {
  const { heading, advice, requestId, fields } = describeProblem(error);
  return (
    <div className={classes['notice']} role="alert">
      <span className={classes['icon']}>
        <Icon name="warn" />
      </span>
      <div className={classes['body']}>
        <strong>{title ?? heading}</strong>
        {/* The details of a refused form are its fields', line by line. */}
        {fields.length === 0 && <div>{advice}</div>}
        {fields.length > 0 && (
          <ul className={classes['fields']}>
            {fields.map(({ path, message }) => (
              <li key={`${path} ${message}`}>
                <code>{path.replace(/^\//, '')}</code> {message}
              </li>
            ))}
          </ul>
        )}
        {requestId !== null && (
          <div className={classes['request']}>
            Request <CopyLine text={requestId} label="Copy the request's id" />
          </div>
        )}
      </div>
      {onRetry !== undefined && (
        <Button variant="default" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

interface Described {
  heading: string;
  advice: string;
  requestId: string | null;
  fields: { path: string; message: string }[];
}

/** The server's own words where it had some: they say what was wrong and what to do. */
export function describeProblem(error: unknown): Described {
  if (!(error instanceof HoldfastError)) {
    const advice = 'Load the page anew; if it comes back, please report what you did just before.';
    return { heading: 'The dashboard made a mistake', advice, requestId: null, fields: [] };
  }
  const { status, problem, requestId } = error;
  const fields = problem?.errors ?? [];
  if (problem !== null) return { heading: problem.title, advice: problem.detail, requestId, fields };
  if (status === 0) {
    const advice =
      'What you see is as it was, and the dashboard goes on as soon as the server answers. What you sent may be done or not: send it again, and it is done once.';
    return { heading: 'The server does not answer', advice, requestId, fields };
  }
  return { heading: `The server answered ${status}`, advice: 'Try again in a moment.', requestId, fields };
}
