import detail from './detail.module.css';

/** What a job, a run or a duty holds, as it is. */
export function Json({ label, value }: { label: string; value: unknown }) {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return (
    <section className={detail['section']}>
      <h3 className={detail['heading']}>{label}</h3>
      <pre className={detail['json']} tabIndex={0} aria-label={label}>
        {text}
      </pre>
    </section>
  );
}
