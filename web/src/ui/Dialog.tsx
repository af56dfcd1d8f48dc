import { Modal } from '@mantine/core';
import { Fragment, type ReactNode, useState } from 'react';
import { useTexts } from '../i18n';

export interface DialogState<T> {
  value: T | null;
  opened: boolean;
  turn: number;
  open: (value: T) => void;
  close: () => void;
}

/** Whether a dialog is open, and about what. */
export function useDialog<T = true>(): DialogState<T> {
  const [state, setState] = useState<{ value: T | null; opened: boolean; turn: number }>({ value: null, opened: false, turn: 0 });
  return {
    ...state,
    open: (value) => setState((before) => ({ value, opened: true, turn: before.turn + 1 })),
    // The value stays while the dialog fades.
    close: () => setState((before) => ({ ...before, opened: false })),
  };
}

interface Props<T> {
  dialog: DialogState<T>;
  title: string | ((value: T) => string);
  size?: number | string;
  children: (value: T) => ReactNode;
}

/** A window over the page; each opening starts afresh. */
export function Dialog<T>({ dialog, title, size = 480, children }: Props<T>) {
  const { t } = useTexts();
  const { value, turn } = dialog;
  return (
    <Modal opened={dialog.opened} onClose={dialog.close} title={value === null ? '' : typeof title === 'function' ? title(value) : title} size={size} closeButtonProps={{ 'aria-label': t('form.close') }}>
      {value !== null && <Fragment key={turn}>{children(value)}</Fragment>}
    </Modal>
  );
}
