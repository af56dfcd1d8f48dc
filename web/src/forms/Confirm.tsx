import { Textarea, TextInput } from '@mantine/core';
import type { QueryKey } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTexts } from '../i18n';
import { Dialog, type DialogState } from '../ui/Dialog';
import { Form } from './Form';
import { useFields } from './useFields';

const REASON_LENGTH_MIN = 5;
const REASON_LENGTH_MAX = 1000;

interface Question<T> {
  dialog: DialogState<T>;
  title: string;
  /** What happens, and whether it can be undone. */
  effect: (value: T) => ReactNode;
  submit: string;
  danger?: boolean;
  /** Asks why; the answer is recorded. */
  reason?: boolean;
  /** Must be typed before it goes on. */
  typed?: (value: T) => string;
  send: (value: T, reason: string) => Promise<unknown>;
  done?: string;
  refresh?: QueryKey[];
  onDone?: () => void;
}

/** States what an act does and lets it happen only after a second decision. */
export function Confirm<T>(question: Question<T>) {
  return (
    <Dialog dialog={question.dialog} title={question.title}>
      {(value) => <Decision {...question} value={value} />}
    </Dialog>
  );
}

function Decision<T>({ value, dialog, effect, submit, danger, reason, typed, send, done, refresh, onDone }: Question<T> & { value: T }) {
  const { t } = useTexts();
  const wanted = typed?.(value);
  const fields = useFields({ reason: '', typed: '' }, (now) => ({
    reason: reason && now.reason.trim().length < REASON_LENGTH_MIN && t('release.reasonShort'),
    typed: wanted !== undefined && now.typed.trim() !== wanted && t('confirm.typedWrong'),
  }));
  return (
    <Form
      submit={submit}
      danger={danger}
      check={fields.check}
      send={() => send(value, fields.values.reason.trim())}
      done={done}
      refresh={refresh}
      onDone={() => {
        dialog.close();
        onDone?.();
      }}
      onCancel={dialog.close}
    >
      <div>{effect(value)}</div>
      {wanted !== undefined && <TextInput size="sm" label={t('confirm.typed', { name: wanted })} autoComplete="off" data-autofocus {...fields.text('typed')} />}
      {reason && <Textarea size="sm" label={t('release.reason')} description={t('release.reasonHint')} rows={3} maxLength={REASON_LENGTH_MAX} data-autofocus={wanted === undefined || undefined} {...fields.text('reason')} />}
    </Form>
  );
}
