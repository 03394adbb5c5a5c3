import { Kbd, Modal } from '@mantine/core';
import { pages } from './page.registry.ts';
import classes from './key.help.module.css';

const EVERYWHERE: [string[], string][] = [
  [['Ctrl', 'K'], 'Find any product, order, location or command'],
  [['/'], 'Search in this list'],
  [['?'], 'These keys'],
];
const LISTS: [string[], string][] = [
  [['↑', '↓'], 'From row to row'],
  [['Enter'], 'Open the row beside the list'],
  [['Space'], 'Select the row; with Shift, all up to it'],
  [['Esc'], 'Close what is open'],
];

export function KeyHelp({ onClose }: { onClose: () => void }) {
  const places = pages.flatMap(({ key, title }): [string[], string][] =>
    key === undefined ? [] : [[['g', key], title]],
  );
  return (
    <Modal opened onClose={onClose} title="Keys" size="lg">
      <div className={classes['columns']}>
        <Keys title="Everywhere" keys={EVERYWHERE} />
        <Keys title="In a list" keys={LISTS} />
        <Keys title="Go to" keys={places} />
      </div>
    </Modal>
  );
}

function Keys({ title, keys }: { title: string; keys: [string[], string][] }) {
  return (
    <section>
      <h3 className={classes['title']}>{title}</h3>
      <dl className={classes['list']}>
        {keys.map(([combination, what]) => (
          <div key={what} className={classes['row']}>
            <dt>
              {combination.map((key) => (
                <Kbd key={key} size="xs">
                  {key}
                </Kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
