import { useState } from 'react';
import { Button, Textarea, TextInput } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useGet, type Answer } from '../../api/queries.ts';
import { useCommand } from '../../api/use.command.tsx';
import { useMay } from '../../api/use.session.ts';
import { FormDialog } from '../../ui/form.dialog.tsx';
import { Icon } from '../../ui/icon.tsx';
import { formatNumber } from '../../ui/num.tsx';
import classes from './rate-limits.module.css';

type Tier = Answer<'/api/v1/rate-limit-tiers'>['items'][number];

const STALE = ['/api/v1/rate-limit-tiers'] as const;
const NAMED_MAX = 3;

/** Groups of subjects that have rules of their own. */
export function Tiers() {
  const { data } = useGet('/api/v1/rate-limit-tiers');
  const mayChange = useMay('admin');
  const [edited, setEdited] = useState<Tier | 'new' | null>(null);
  if (data === undefined) return null;
  return (
    <section aria-labelledby="tiers" className={classes['section']}>
      <div className={classes['sectionHead']}>
        <h2 id="tiers" className={classes['heading']}>
          Tiers
        </h2>
        {mayChange && (
          <Button variant="default" leftSection={<Icon name="plus" size={16} />} onClick={() => setEdited('new')}>
            New tier
          </Button>
        )}
      </div>
      <p className={classes['quiet']}>
        A rule with a tier counts the subjects of that tier alone, in place of the same rule without one.
      </p>
      {data.items.length > 0 && (
        <ul className={classes['tiers']}>
          {data.items.map((tier) => (
            <li key={tier.tier}>
              <span className={classes['tier']}>
                <b>{tier.tier}</b> <span className={classes['dim']}>{membersWords(tier.subjects)}</span>
              </span>
              {mayChange && (
                <Button
                  variant="default"
                  size="compact-sm"
                  aria-label={`Edit the tier ${tier.tier}`}
                  onClick={() => setEdited(tier)}
                >
                  Edit
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      {edited !== null && <TierForm {...(edited === 'new' ? {} : { tier: edited })} onClose={() => setEdited(null)} />}
    </section>
  );
}

function membersWords(subjects: readonly string[]): string {
  const named = subjects.slice(0, NAMED_MAX).join(', ');
  return subjects.length > NAMED_MAX ? `${named} and ${formatNumber(subjects.length - NAMED_MAX)} more` : named;
}

function TierForm({ tier, onClose }: { tier?: Tier; onClose: () => void }) {
  const [name, setName] = useState(tier?.tier ?? '');
  const [text, setText] = useState(tier?.subjects.join('\n') ?? '');
  const subjects = [...new Set(text.split('\n').map((line) => line.trim()))].filter((line) => line !== '');
  const put = (members: string[]) =>
    holdfast.PUT('/api/v1/rate-limit-tiers/{tier}', {
      params: { path: { tier: name.trim() } },
      body: { subjects: members },
    });
  const save = useCommand({
    run: async () => {
      await put(subjects);
      onClose();
    },
    done: () => (subjects.length === 0 ? `Removed the tier ${name}` : `${name} has ${formatNumber(subjects.length)}`),
    undo: () => () => put(tier?.subjects ?? []),
    stale: STALE,
    showsRefusals: true,
  });
  return (
    <FormDialog
      title={tier === undefined ? 'New tier' : `The tier ${tier.tier}`}
      verb={subjects.length === 0 && tier !== undefined ? 'Remove it' : 'Save'}
      isDisabled={name.trim() === '' || (tier === undefined && subjects.length === 0)}
      isPending={save.isPending}
      error={save.error}
      onSubmit={() => save.mutate()}
      onClose={onClose}
    >
      {tier === undefined && (
        <TextInput
          label="Name"
          name="tier"
          required
          maxLength={64}
          placeholder="gold"
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
      )}
      <Textarea
        label="Who is of it"
        name="subjects"
        description="One on each line: ids of API keys or people, addresses, values of a header. None removes the tier."
        rows={8}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
    </FormDialog>
  );
}
