import { CloseButton, TextInput } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useTexts } from '../i18n';
import { IconSearch } from './icons';

const DELAY_MS = 150;

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  delayMs?: number;
}

/** Narrows a list down while somebody types. */
export function FilterBox({ label, value, onChange, delayMs = DELAY_MS }: Props) {
  const { t } = useTexts();
  const [typed, setTyped] = useState(value);
  const told = useRef(value);
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => {
    // Somebody else has changed it, such as the way back of the browser.
    if (value !== told.current) {
      told.current = value;
      setTyped(value);
    }
  }, [value]);
  useEffect(() => {
    if (typed === told.current) return;
    const timer = setTimeout(() => {
      told.current = typed;
      latest.current(typed);
    }, delayMs);
    return () => clearTimeout(timer);
  }, [typed, delayMs]);
  return (
    <TextInput
      type="search"
      size="xs"
      aria-label={label}
      placeholder={label}
      leftSection={<IconSearch size={14} aria-hidden />}
      rightSection={typed !== '' && <CloseButton size="xs" aria-label={t('query.clear')} onClick={() => setTyped('')} />}
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
      autoComplete="off"
      spellCheck={false}
      style={{ flex: '0 1 260px', minWidth: 0 }}
    />
  );
}
