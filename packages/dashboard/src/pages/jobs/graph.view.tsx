import { useMemo, useState } from 'react';
import { Button, Skeleton } from '@mantine/core';
import { useGet, type Answer } from '../../api/queries.ts';
import { EmptyState } from '../../ui/empty.state.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Link, pathOf } from '../../ui/link.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { curve, layOut } from './graph.rules.ts';
import { JobsFrame } from './jobs.frame.tsx';
import { RunState } from './run.state.tsx';
import classes from './graph.module.css';

type Graph = Answer<'/api/v1/jobs/graph'>;
type Node = Graph['nodes'][number];

const BOX = { width: 188, height: 56 };
const GAP = { x: 64, y: 16 };

/** Which job waits for which, from left to right. */
export function GraphView() {
  const { data, error } = useGet('/api/v1/jobs/graph');
  const [isList, setIsList] = useState(false);
  return (
    <JobsFrame at="/jobs/graph" about="A job stands right of all that it waits for, with how its last run ended.">
      {error !== null && data === undefined && <ProblemNotice error={error} />}
      {data === undefined && error === null && <Skeleton height={320} />}
      {data?.nodes.length === 0 && <NoGraph />}
      {data !== undefined && data.nodes.length > 0 && (
        <>
          <div className={classes['bar']}>
            <Button variant="subtle" aria-pressed={isList} onClick={() => setIsList(!isList)}>
              {isList ? 'As a graph' : 'As a list'}
            </Button>
          </div>
          {isList ? <GraphList graph={data} /> : <Drawing graph={data} />}
        </>
      )}
    </JobsFrame>
  );
}

function Drawing({ graph: { nodes, edges } }: { graph: Graph }) {
  const { places, layers } = useMemo(() => {
    return layOut(
      nodes.map(({ id }) => id),
      edges,
    );
  }, [nodes, edges]);
  const slots = Math.max(1, ...places.map(({ slot }) => slot + 1));
  const tallest = slots * (BOX.height + GAP.y) - GAP.y;
  const inLayer = (layer: number): number => places.filter((place) => place.layer === layer).length;
  const boxes = new Map(
    places.map(({ id, layer, slot }) => {
      // Each layer stands in the middle of the tallest.
      const own = inLayer(layer) * (BOX.height + GAP.y) - GAP.y;
      const y = (tallest - own) / 2 + slot * (BOX.height + GAP.y);
      return [id, { x: layer * (BOX.width + GAP.x), y }];
    }),
  );
  const size = { width: layers * (BOX.width + GAP.x) - GAP.x, height: tallest };
  const cycles = new Map(nodes.map(({ id, cycleId }) => [id, cycleId]));
  const byPlace = new Map(nodes.map((node) => [node.id, node]));
  return (
    <div className={classes['scroll']} tabIndex={0} role="group" aria-label="Which job waits for which">
      <div className={classes['drawing']} style={size}>
        <svg width={size.width} height={size.height} className={classes['edges']} aria-hidden="true">
          <defs>
            <marker id="graph-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
              <path d="M0 0.500 7 4 0 7.500z" className={classes['head']} />
            </marker>
          </defs>
          {edges.map(({ from, to }) => {
            const [start, end] = [boxes.get(from), boxes.get(to)];
            if (start === undefined || end === undefined) return null;
            const isOne = cycles.get(from) !== null && cycles.get(from) === cycles.get(to);
            return (
              <path
                key={`${from} ${to}`}
                d={curve(
                  { x: start.x + BOX.width, y: start.y + BOX.height / 2 },
                  { x: end.x - 1, y: end.y + BOX.height / 2 },
                )}
                className={classes['edge']}
                data-passed={isOne || undefined}
                markerEnd="url(#graph-arrow)"
              />
            );
          })}
        </svg>
        {places.map(({ id }) => {
          const [node, box] = [byPlace.get(id), boxes.get(id)];
          if (node === undefined || box === undefined) return null;
          return <NodeBox key={id} node={node} at={box} isBehind={isBehind(node, edges, cycles)} />;
        })}
      </div>
    </div>
  );
}

/** The jobs before it are in another cycle by now. */
function isBehind({ id, cycleId }: Node, edges: Graph['edges'], cycles: ReadonlyMap<string, string | null>): boolean {
  const before = edges.filter(({ to }) => to === id).map(({ from }) => cycles.get(from) ?? null);
  return cycleId !== null && before.some((cycle) => cycle !== null) && !before.includes(cycleId);
}

function NodeBox({ node, at, isBehind: isOld }: { node: Node; at: { x: number; y: number }; isBehind: boolean }) {
  const { id, name, enabled, lastRun } = node;
  return (
    <div
      className={classes['box']}
      data-off={!enabled || undefined}
      data-status={lastRun?.status}
      style={{ left: at.x, top: at.y, width: BOX.width, height: BOX.height }}
    >
      <Link to={pathOf('/jobs', id)} className={classes['name']}>
        {name}
      </Link>
      <span className={classes['said']}>
        <LastState node={node} />
        {isOld && <span className={classes['dim']}>an earlier time</span>}
      </span>
    </div>
  );
}

function LastState({ node: { lastRun, enabled } }: { node: Node }) {
  if (!enabled) {
    return (
      <span className={classes['dim']}>
        <Icon name="minus" size={16} /> Off
      </span>
    );
  }
  return lastRun === null ? <span className={classes['dim']}>never ran</span> : <RunState status={lastRun.status} />;
}

const AFTER_WORDS: Record<Node['afterFailure'], string> = {
  skip: 'is skipped',
  run: 'runs all the same',
  hold: 'is held',
};

function GraphList({ graph: { nodes, edges } }: { graph: Graph }) {
  const names = new Map(nodes.map(({ id, name }) => [id, name]));
  const beforeOf = (id: string): string[] =>
    edges.filter(({ to }) => to === id).map(({ from }) => names.get(from) ?? from);
  return (
    <table className={classes['table']}>
      <thead>
        <tr>
          <th scope="col">Job</th>
          <th scope="col">Runs after</th>
          <th scope="col">When one of them fails it</th>
          <th scope="col">Last run</th>
        </tr>
      </thead>
      <tbody>
        {nodes.map((node) => {
          const before = beforeOf(node.id);
          return (
            <tr key={node.id}>
              <td>
                <Link to={pathOf('/jobs', node.id)}>{node.name}</Link>
              </td>
              <td>{before.length === 0 ? '–' : before.join(', ')}</td>
              <td>{before.length === 0 ? '–' : AFTER_WORDS[node.afterFailure]}</td>
              <td>
                <LastState node={node} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function NoGraph() {
  return (
    <EmptyState
      title="No job waits for another"
      icon="jobs"
      curl={{
        method: 'POST',
        path: '/api/v1/jobs',
        body: { name: 'Report after import', type: 'reorder_report', dependencies: ['<id of the import>'] },
      }}
    >
      Edit a job and choose “After other jobs”: it then runs when all of those have succeeded, and stands right of them
      here.
    </EmptyState>
  );
}
