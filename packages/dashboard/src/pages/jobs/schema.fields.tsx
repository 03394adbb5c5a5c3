import { useId, type ReactNode } from 'react';
import {
  Button,
  Checkbox,
  FileButton,
  JsonInput,
  NumberInput,
  PasswordInput,
  Select,
  Textarea,
  TextInput,
} from '@mantine/core';
import '@mantine/core/styles/PasswordInput.css';
import '@mantine/core/styles/NumberInput.css';
import { Fields } from '../../ui/fields.tsx';
import { Icon } from '../../ui/icon.tsx';
import { showProblem } from '../../ui/toasts.tsx';
import { errorAt } from './field.errors.ts';
import { Prose } from './prose.tsx';
import { textOf, type Draft, type DraftGroup, type Field, type FieldOf } from './schema.rules.ts';
import classes from './jobs.module.css';
import form from './job.form.module.css';

interface ConfigFieldsProps {
  fields: readonly Field[];
  draft: DraftGroup;
  /** By the pointer of the field. */
  errors: ReadonlyMap<string, string>;
  /** Secrets are there already, and stay unless they are replaced. */
  keepsSecrets?: boolean;
  onChange: (draft: DraftGroup) => void;
}

/** A config's fields, as its JSON Schema has them. */
export function ConfigFields({ fields, draft, errors, keepsSecrets = false, onChange }: ConfigFieldsProps) {
  return (
    <Fields>
      {fields.map((field) => (
        <ConfigField
          key={field.pointer}
          field={field}
          value={draft[field.name] ?? ''}
          errors={errors}
          keepsSecrets={keepsSecrets}
          onChange={(value) => onChange({ ...draft, [field.name]: value })}
        />
      ))}
    </Fields>
  );
}

interface ConfigFieldProps<Kind extends Field['kind'] = Field['kind']> {
  field: FieldOf<Kind>;
  value: Draft;
  errors: ReadonlyMap<string, string>;
  keepsSecrets: boolean;
  onChange: (value: Draft) => void;
}

/** Text that is longer than a line. */
const LONG = 1_000;
/** Text that comes from a file rather than from a keyboard. */
const FILE_FROM = 50_000;
const NOT_SAID = '';

function ConfigField(props: ConfigFieldProps) {
  const { field, value, errors, keepsSecrets, onChange } = props;
  const common = {
    label: field.label,
    description: aboutOf(field.about),
    error: errorAt(errors, field.pointer) ?? null,
    placeholder: field.hint ?? '',
  };
  switch (field.kind) {
    case 'group':
      return <Group {...props} field={field} />;
    case 'text': {
      const onText = (event: { currentTarget: { value: string } }): void => onChange(event.currentTarget.value);
      const input = {
        ...common,
        value: textOf(value),
        onChange: onText,
        required: field.isRequired && !field.hasDefault,
      };
      if (field.maxLength !== null && field.maxLength > LONG && !/url$/i.test(field.name)) {
        return (
          <div>
            <Textarea {...input} autosize minRows={2} maxRows={10} />
            {field.maxLength >= FILE_FROM && <FromFile onText={onChange} />}
          </div>
        );
      }
      return <TextInput {...input} {...(field.maxLength === null ? {} : { maxLength: field.maxLength })} />;
    }
    case 'secret':
      return (
        <PasswordInput
          {...common}
          placeholder={keepsSecrets ? 'stays as it is' : ''}
          autoComplete="new-password"
          visibilityToggleButtonProps={{ 'aria-label': `Show ${field.label}` }}
          value={textOf(value)}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    case 'number':
      return (
        <NumberInput
          {...common}
          required={field.isRequired && !field.hasDefault}
          allowDecimal={!field.isWhole}
          {...(field.min === null ? {} : { min: field.min })}
          {...(field.max === null ? {} : { max: field.max })}
          value={value as number | string}
          onChange={onChange}
        />
      );
    case 'yes':
      return <YesOrNo {...props} field={field} />;
    case 'choice':
      return <Choice {...props} field={field} />;
    case 'choices':
      return <Choices {...props} field={field} />;
    case 'lines':
      return (
        <Textarea
          {...common}
          description={aboutOf(linesAbout(field))}
          placeholder={field.of === 'record' ? 'name: value' : (field.hint?.replaceAll(', ', '\n') ?? '')}
          autosize
          minRows={2}
          maxRows={8}
          value={textOf(value)}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    case 'json':
      return <JsonInput {...common} autosize minRows={2} maxRows={12} value={textOf(value)} onChange={onChange} />;
  }
}

function FromFile({ onText }: { onText: (text: string) => void }) {
  const read = async (file: File | null): Promise<void> => {
    if (file !== null) onText(await file.text());
  };
  return (
    <FileButton onChange={(file) => void read(file).catch(showProblem)}>
      {(props) => (
        <Button {...props} variant="default" size="compact-xs" mt={6} leftSection={<Icon name="upload" size={14} />}>
          Read it from a file
        </Button>
      )}
    </FileButton>
  );
}

function aboutOf(text: string | null): ReactNode {
  return text === null ? null : <Prose text={text} />;
}

function linesAbout({ about, of }: FieldOf<'lines'>): string {
  const how = of === 'record' ? 'One on each line, as name: value.' : 'One on each line.';
  return about === null ? how : `${about} ${how}`;
}

function Group({ field, value, errors, keepsSecrets, onChange }: ConfigFieldProps<'group'>) {
  const titleId = useId();
  const { label, about, members, pointer } = field;
  const error = errors.get(pointer);
  return (
    <div role="group" aria-labelledby={titleId} className={form['group']}>
      <div id={titleId} className={form['groupLabel']}>
        {label}
      </div>
      {about !== null && <p className={classes['quiet']}>{aboutOf(about)}</p>}
      {error !== undefined && <p className={form['wrong']}>{error}</p>}
      <ConfigFields
        fields={members}
        draft={typeof value === 'object' && !Array.isArray(value) ? (value as DraftGroup) : {}}
        errors={errors}
        keepsSecrets={keepsSecrets}
        onChange={onChange}
      />
    </div>
  );
}

function Choice({ field, value, errors, onChange }: ConfigFieldProps<'choice'>) {
  const { options, label, about, pointer, hint, isRequired, hasDefault } = field;
  const canBeOpen = !isRequired && !hasDefault;
  return (
    <Select
      label={label}
      description={aboutOf(about)}
      error={errorAt(errors, pointer) ?? null}
      data={canBeOpen ? [{ value: NOT_SAID, label: '–' }, ...options] : options}
      value={value === NOT_SAID && hasDefault ? hint : textOf(value)}
      onChange={(chosen) => onChange(chosen ?? NOT_SAID)}
    />
  );
}

function YesOrNo({ field, value, errors, onChange }: ConfigFieldProps<'yes'>) {
  const { isOpen, label, about, pointer } = field;
  const common = { label, description: aboutOf(about), error: errorAt(errors, pointer) ?? null };
  if (!isOpen) {
    return (
      <Checkbox {...common} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />
    );
  }
  const data = [
    { value: NOT_SAID, label: '–' },
    { value: 'true', label: 'Yes' },
    { value: 'false', label: 'No' },
  ];
  return <Select {...common} data={data} value={textOf(value)} onChange={(chosen) => onChange(chosen ?? '')} />;
}

function Choices({ field, value, errors, onChange }: ConfigFieldProps<'choices'>) {
  const { options, label, about, pointer } = field;
  return (
    <Checkbox.Group
      label={label}
      description={aboutOf(about)}
      error={errorAt(errors, pointer) ?? null}
      value={Array.isArray(value) ? [...(value as readonly string[])] : []}
      onChange={onChange}
    >
      <div className={form['choices']}>
        {options.map((option) => (
          <Checkbox key={option} value={option} label={option} />
        ))}
      </div>
    </Checkbox.Group>
  );
}
