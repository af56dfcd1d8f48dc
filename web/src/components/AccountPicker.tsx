import { MultiSelect, Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type AccountKind, accountsQuery, type NamedAccount } from '../api/people';
import { useTexts } from '../i18n';

const DELAY_MS = 150;

interface Common {
  label: string;
  description?: string;
  kind?: AccountKind;
  error?: string;
}

const nameOf = (account: NamedAccount) => (account.displayName && account.displayName !== account.userName ? `${account.displayName} (${account.userName})` : account.userName);

/** Finds accounts by any word of their names and addresses, on the server. */
function useOptions(kind: AccountKind | undefined, chosen: readonly NamedAccount[]) {
  const [typed, setTyped] = useState('');
  const [asked] = useDebouncedValue(typed, DELAY_MS);
  // What was chosen stands in the field as typed text; it is no filter.
  const q = chosen.some((one) => nameOf(one) === asked) ? '' : asked.trim();
  const { data } = useInfiniteQuery(accountsQuery({ ...(q ? { q } : {}), ...(kind ? { kind } : {}) }));
  const found: NamedAccount[] = data?.pages[0]?.rows ?? [];
  const all = [...chosen, ...found.filter((one) => !chosen.some((other) => other.id === one.id))];
  return { typed, setTyped, all, data: all.map((one) => ({ value: one.id, label: nameOf(one) })) };
}

/** One account. */
export function AccountPicker({ label, description, kind, error, value, onChange }: Common & { value: NamedAccount | null; onChange: (account: NamedAccount | null) => void }) {
  const { t } = useTexts();
  const { typed, setTyped, all, data } = useOptions(kind, value ? [value] : []);
  return <Select size="sm" label={label} description={description} error={error} placeholder={t('accounts.pick')} nothingFoundMessage={t('list.none')} searchable clearable clearButtonProps={{ 'aria-label': t('query.clear') }} data={data} filter={({ options }) => options} searchValue={typed} onSearchChange={setTyped} value={value?.id ?? null} onChange={(id) => onChange(all.find((one) => one.id === id) ?? null)} />;
}

/** Several accounts. */
export function AccountsPicker({ label, description, kind, error, value, onChange }: Common & { value: NamedAccount[]; onChange: (accounts: NamedAccount[]) => void }) {
  const { t } = useTexts();
  const { typed, setTyped, all, data } = useOptions(kind, value);
  return <MultiSelect size="sm" label={label} description={description} error={error} placeholder={t('accounts.pick')} nothingFoundMessage={t('list.none')} searchable data={data} filter={({ options }) => options} searchValue={typed} onSearchChange={setTyped} value={value.map((one) => one.id)} onChange={(ids) => onChange(ids.flatMap((id) => all.find((one) => one.id === id) ?? []))} />;
}
