import { Menu } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { usePermissions } from '../hooks/useSession';
import { useTexts } from '../i18n';
import { Dialog, type DialogState } from '../ui/Dialog';
import { IconTrash } from '../ui/icons';

const ErasureForm = lazy(async () => ({ default: (await import('../forms/propose-erasure')).ErasureForm }));

/** The entry of a menu, for those who may propose it. */
export function ErasureItem({ dialog }: { dialog: DialogState<true> }) {
  const { t } = useTexts();
  if (!usePermissions().includes('propose_disposal')) return null;
  return <Menu.Item color="red" leftSection={<IconTrash size={15} aria-hidden />} onClick={() => dialog.open(true)}>{t('take.erase')}</Menu.Item>;
}

export function ErasureDialog({ dialog, record, subject }: { dialog: DialogState<true>; record: string; subject: string }) {
  const { t } = useTexts();
  return <Dialog dialog={dialog} title={t('take.eraseTitle')} size={560}>{() => <Suspense fallback={<p className="muted">{t('list.loading')}</p>}><ErasureForm record={record} subject={subject} close={dialog.close} /></Suspense>}</Dialog>;
}
