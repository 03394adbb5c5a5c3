import { useState } from 'react';
import { NumberInput, SegmentedControl, TextInput } from '@mantine/core';
import '@mantine/core/styles/NumberInput.css';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { FormDialog } from '../../ui/form.dialog.tsx';
import { addressLine, TYPE_WORDS, type Location } from './location.words.ts';
import classes from './locations.module.css';

const TYPES = Object.entries(TYPE_WORDS).map(([value, label]) => ({ value, label }));

const numberOf = (value: number | string): number | null => (value === '' ? null : Number(value));

/** A new location, or the one that is given, edited: against the version that was shown. */
export function LocationForm({ location: latest, onClose }: { location?: Location; onClose: () => void }) {
  // As it was when the form was opened: what somebody else changed since is refused, and not written over.
  const [location] = useState(latest);
  const [code, setCode] = useState(location?.code ?? '');
  const [name, setName] = useState(location?.name ?? '');
  const [type, setType] = useState<Location['type']>(location?.type ?? 'warehouse');
  const [address, setAddress] = useState(addressLine(location?.address));
  const [priority, setPriority] = useState<number | string>(location?.priority ?? 100);
  const [lat, setLat] = useState<number | string>(location?.lat ?? '');
  const [lng, setLng] = useState<number | string>(location?.lng ?? '');
  const save = useCommand({
    run: async () => {
      const body = {
        code: code.trim(),
        name: name.trim(),
        type,
        priority: numberOf(priority),
        lat: numberOf(lat),
        lng: numberOf(lng),
        // An address in parts stays as it is unless its line was changed.
        ...(address === addressLine(location?.address)
          ? {}
          : { address: address.trim() === '' ? null : address.trim() }),
      };
      if (location === undefined) await holdfast.POST('/api/v1/locations', { body });
      else {
        await holdfast.PATCH('/api/v1/locations/{code}', {
          params: { path: { code: location.code }, header: { 'If-Match': `"${location.version}"` } as never },
          body,
        });
      }
      onClose();
    },
    done: () => (location === undefined ? `Made ${code.trim()}` : `Saved ${code.trim()}`),
    stale: ['/api/v1/locations', '/api/v1/locations/{code}', '/api/v1/summary'],
    showsRefusals: true,
  });
  return (
    <FormDialog
      title={location === undefined ? 'New location' : `Edit ${location.code}`}
      isPending={save.isPending}
      error={save.error}
      onSubmit={() => save.mutate()}
      onClose={onClose}
    >
      <TextInput
        label="Code"
        name="code"
        description="Letters, digits and . _ : -"
        required
        maxLength={64}
        data-autofocus
        value={code}
        onChange={(event) => setCode(event.currentTarget.value)}
      />
      <TextInput
        label="Name"
        name="name"
        required
        maxLength={200}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <SegmentedControl
        aria-label="Kind"
        data={TYPES}
        value={type}
        onChange={(value) => setType(value as Location['type'])}
      />
      <TextInput
        label="Address"
        name="address"
        maxLength={500}
        value={address}
        onChange={(event) => setAddress(event.currentTarget.value)}
      />
      <div className={classes['pair']}>
        <NumberInput label="Latitude" name="lat" min={-90} max={90} value={lat} onChange={setLat} />
        <NumberInput label="Longitude" name="lng" min={-180} max={180} value={lng} onChange={setLng} />
      </div>
      <NumberInput
        label="Priority"
        name="priority"
        description="Lower ones are tried first."
        min={0}
        max={1_000_000}
        allowDecimal={false}
        value={priority}
        onChange={setPriority}
      />
    </FormDialog>
  );
}
