import { Button, Skeleton } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { get } from '../../api/queries.ts';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import type { Movement } from '../../live/live.rules.ts';
import { Actor } from '../../ui/actor.tsx';
import { EmptyState } from '../../ui/empty.state.tsx';
import { Deltas, MovementWord, ReferenceLink } from '../../ui/movement.tsx';
import { wordOf } from '../../ui/movement.rules.ts';
import { Num } from '../../ui/num.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { Moment } from '../../ui/time.tsx';
import { compensate } from './preview.rules.ts';
import classes from './product.module.css';

const PAGE_SIZE = 40;
/** Whoever it was: the server was open. */
const NOBODY = 'open';
/** What people do by hand, and may take back by hand. */
const BY_HAND = new Set(['receipt', 'return', 'adjustment', 'damage', 'theft', 'spoilage', 'count']);

/** Every movement of a product, newest first: what changed, why, by whom, and what was there after it. */
export function ProductLedger({ sku, mayUndo }: { sku: string; mayUndo: boolean }) {
  const ledger = useInfiniteQuery({
    queryKey: ['/api/v1/inventory/{sku}/ledger', { path: { sku } }, 'timeline'],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => {
      const query = { limit: PAGE_SIZE, ...(pageParam === null ? {} : { cursor: pageParam }) };
      return get('/api/v1/inventory/{sku}/ledger', { path: { sku }, query }, signal);
    },
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });
  const undo = useCommand({
    run: (movement: Movement) => takeBack(sku, movement),
    done: (_answer, { type }) => `Taken back: ${wordOf(type).toLowerCase()}`,
    stale: ['/api/v1/inventory/{sku}', '/api/v1/inventory/{sku}/ledger'],
  });
  if (ledger.error !== null && ledger.data === undefined) {
    return <ProblemNotice error={ledger.error} onRetry={() => void ledger.refetch()} />;
  }
  if (ledger.data === undefined) return <Skeleton height={240} aria-busy="true" />;
  const movements: Movement[] = ledger.data.pages.flatMap(({ items }) => items);
  if (movements.length === 0) return <EmptyState title="It never moved" icon="book" />;
  const takenBack = new Set(movements.map(takenBackBy));
  return (
    <>
      <ol className={classes['timeline']}>
        {movements.map((movement) => (
          <li key={`${movement.location} ${movement.seq}`} className={classes['movement']}>
            <span className={classes['when']}>
              <Moment at={movement.at} />
            </span>
            <span className={classes['what']}>
              <MovementWord movement={movement} />
              <span className={classes['place']}>{movement.location}</span>
            </span>
            <Deltas movement={movement} />
            <span className={classes['after']} title="On hand after it">
              <Num value={movement.onHand} of={String(movement.seq)} /> after
            </span>
            <span className={classes['why']} data-text>
              <ReferenceLink reference={movement.reference} />
              {movement.reason !== null && <q className={classes['reason']}>{movement.reason}</q>}
              {movement.actor !== NOBODY && (
                <span className={classes['actor']}>
                  <Actor of={movement.actor} />
                </span>
              )}
            </span>
            {mayUndo && isByHand(movement) && takenBack.has(String(movement.seq)) && (
              <span className={classes['undone']}>taken back</span>
            )}
            {mayUndo && isByHand(movement) && !takenBack.has(String(movement.seq)) && (
              <Button
                variant="subtle"
                size="compact-xs"
                className={classes['undo']}
                loading={undo.isPending && undo.variables === movement}
                onClick={() => undo.mutate(movement)}
              >
                Take back
              </Button>
            )}
          </li>
        ))}
      </ol>
      {ledger.hasNextPage && (
        <Button
          variant="default"
          mt="sm"
          loading={ledger.isFetchingNextPage}
          onClick={() => void ledger.fetchNextPage()}
        >
          Older movements
        </Button>
      )}
    </>
  );
}

function isByHand({ type, deltaOnHand }: Movement): boolean {
  return BY_HAND.has(type) && deltaOnHand !== 0;
}

const TAKES_BACK = 'movement';

/** Which movement this one took back. It is newer, and so has been loaded where that one is shown. */
function takenBackBy({ reference }: Movement): string | null {
  return reference?.type === TAKES_BACK ? reference.id : null;
}

/** A compensating movement: the ledger keeps both. However often it is asked for, a movement is taken back once. */
export async function takeBack(sku: string, movement: Pick<Movement, 'deltaOnHand' | 'location' | 'type' | 'seq'>) {
  const back = compensate(movement.deltaOnHand);
  if (back === null) return null;
  return holdfast.POST('/api/v1/inventory/{sku}/adjust', {
    params: { path: { sku }, header: { 'Idempotency-Key': `takes-back-${movement.seq}` } as never },
    body: {
      location: movement.location,
      ...back,
      reason: `takes back ${wordOf(movement.type).toLowerCase()}`,
      reference: { type: TAKES_BACK, id: String(movement.seq) },
    },
  });
}
