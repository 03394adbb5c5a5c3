import type { ReactNode } from 'react';
import { FormDialog } from './form.dialog.tsx';
import { Icon } from './icon.tsx';
import { formatNumber } from './num.tsx';
import classes from './dialog.module.css';

/** A number that the action would change. */
export interface PreviewRow {
  label: string;
  before: number;
  after: number;
}

export interface Preview {
  rows: readonly PreviewRow[];
  /** What is worth saying about it: `Would be short by 1`. */
  warnings: readonly string[];
  /** Why it cannot be done, as far as can be seen from here. */
  refusal: string | null;
}

interface PreviewedActionProps {
  title: string;
  verb: string;
  /** The fields. */
  children: ReactNode;
  /** Null while there is nothing to show yet. */
  preview: Preview | null;
  isPending: boolean;
  error: unknown;
  onSubmit: () => void;
  onClose: () => void;
}

/** A form that shows its result before it happens. */
export function PreviewedAction(props: PreviewedActionProps) {
  const { title, verb, children, preview, isPending, error, onSubmit, onClose } = props;
  const isRefused = preview === null || preview.refusal !== null;
  return (
    <FormDialog
      title={title}
      verb={verb}
      isPending={isPending}
      isDisabled={isRefused}
      error={error}
      onSubmit={() => !isRefused && onSubmit()}
      onClose={onClose}
    >
      {children}
      <PreviewTable preview={preview} />
    </FormDialog>
  );
}

export function PreviewTable({ preview }: { preview: Preview | null }) {
  return (
    <section className={classes['preview']} aria-label="What would happen" aria-live="polite">
      {preview === null ? (
        <p className={classes['hint']}>What would happen is shown here.</p>
      ) : (
        <>
          <dl className={classes['rows']}>
            {preview.rows.map(({ label, before, after }) => (
              <div key={label} className={classes['row']} data-changed={before !== after || undefined}>
                <dt>{label}</dt>
                <dd>
                  {formatNumber(before)}
                  <span className={classes['arrow']}> → </span>
                  <b>{formatNumber(after)}</b>
                </dd>
              </div>
            ))}
          </dl>
          {preview.warnings.map((text) => (
            <p key={text} className={classes['warning']}>
              <Icon name="warn" size={15} /> {text}
            </p>
          ))}
          {preview.refusal !== null && (
            <p className={classes['refusal']}>
              <Icon name="warn" size={15} /> {preview.refusal}
            </p>
          )}
        </>
      )}
    </section>
  );
}
