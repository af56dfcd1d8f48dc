import { Alert, Button } from '@mantine/core';
import { useSay } from '../hooks/useSay';
import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useRef } from 'react';
import { problemText } from '../components/problem';
import { useTexts } from '../i18n';
import classes from './forms.module.css';

interface Props<R> {
  /** The text of the button. */
  submit: string;
  /** Shows the faults; the form is sent when there are none. */
  check?: () => boolean;
  send: () => Promise<R>;
  /** Said when it has worked. */
  done?: string;
  /** Queries that are asked again afterwards. */
  refresh?: QueryKey[];
  onDone?: (result: R) => void;
  onCancel?: () => void;
  danger?: boolean;
  disabled?: boolean;
  children: ReactNode;
}

/** Sends what was entered; after a refusal everything is still there, with the reason. */
export function Form<R>({ submit, check, send, done, refresh = [], onDone, onCancel, danger, disabled, children }: Props<R>) {
  const texts = useTexts();
  const say = useSay();
  const { t } = texts;
  const client = useQueryClient();
  const form = useRef<HTMLFormElement>(null);
  const sending = useMutation({
    mutationFn: send,
    onSuccess: (result) => {
      if (done) say(done, { color: 'green' });
      onDone?.(result);
    },
    onSettled: () => Promise.all(refresh.map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    if (sending.isPending) return;
    if (check && !check()) {
      // The first wrong field, once it is marked.
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
      return;
    }
    sending.mutate();
  };
  return (
    <form ref={form} className={classes.form} onSubmit={onSubmit} noValidate>
      {children}
      {sending.error && <Alert color="red" variant="light" role="alert">{problemText(sending.error, texts)}</Alert>}
      <div className={classes.buttons}>
        {onCancel && <Button variant="default" size="sm" onClick={onCancel}>{t('form.cancel')}</Button>}
        <Button type="submit" size="sm" color={danger ? 'red' : undefined} loading={sending.isPending} disabled={disabled}>{submit}</Button>
      </div>
    </form>
  );
}
