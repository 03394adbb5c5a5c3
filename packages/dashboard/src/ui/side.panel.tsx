import { useEffect, useEffectEvent, useRef, type ReactNode } from 'react';
import { Icon } from './icon.tsx';
import classes from './side.panel.module.css';

interface SidePanelProps {
  title: ReactNode;
  onClose: () => void;
  children: ReactNode;
}

/** Beside the list rather than over it: the list stays in reach, Esc closes. */
export function SidePanel({ title, onClose, children }: SidePanelProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const close = useEffectEvent(onClose);
  useEffect(() => {
    // What is over the panel takes the key for itself, at the window, and is gone by the time the key comes to the
    // document. It is younger than the panel: here the panel hears first.
    let isForAnother = false;
    const onKeyBegun = (): void => {
      isForAnother = document.querySelector('[aria-modal="true"], [role="menu"], [role="listbox"]') !== null;
    };
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && !event.defaultPrevented && !isForAnother) close();
    };
    window.addEventListener('keydown', onKeyBegun, { capture: true });
    document.addEventListener('keydown', onKey);
    return () => {
      window.removeEventListener('keydown', onKeyBegun, { capture: true });
      document.removeEventListener('keydown', onKey);
    };
  }, []);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <aside className={classes['panel']} aria-labelledby="side-panel-title">
      <header className={classes['head']}>
        <h2 id="side-panel-title" dir="auto" ref={heading} tabIndex={-1} className={classes['title']}>
          {title}
        </h2>
        <button type="button" className={classes['close']} aria-label="Close the panel" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <div className={classes['body']}>{children}</div>
    </aside>
  );
}
