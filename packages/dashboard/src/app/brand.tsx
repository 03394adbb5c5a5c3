import classes from './brand.module.css';

export function Brand() {
  return (
    <span className={classes['brand']}>
      <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="7" className={classes['ground']} />
        <path d="M9 7v18M23 7v18M9 16h14" className={classes['mark']} />
        <circle cx="16" cy="16" r="3.6" className={classes['ring']} />
      </svg>
      Holdfast
    </span>
  );
}
