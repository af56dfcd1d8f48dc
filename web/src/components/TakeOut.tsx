import { Menu } from '@mantine/core';
import { lazy, type ReactNode, Suspense } from 'react';
import type { ChosenMails } from '../api/takeout';
import { usePermissions } from '../hooks/useSession';
import { useTexts } from '../i18n';
import { Dialog, type DialogState, useDialog } from '../ui/Dialog';
import { IconFileExport, IconMailForward } from '../ui/icons';

const ExportForm = lazy(async () => ({ default: (await import('../forms/take-out')).ExportForm }));
const RestoreForm = lazy(async () => ({ default: (await import('../forms/take-out')).RestoreForm }));

type Way = 'export' | 'restore';

export interface TakeOutState {
  dialog: DialogState<Way>;
  may: Record<Way, boolean>;
}

/** Whether this person takes mail out, and the dialog about it. */
export function useTakeOut(): TakeOutState {
  const permissions = usePermissions();
  return { dialog: useDialog<Way>(), may: { export: permissions.includes('export_mail'), restore: permissions.includes('restore_mail') } };
}

/** The two entries of a menu. */
export function TakeOutItems({ takeOut: { dialog, may }, many }: { takeOut: TakeOutState; many: boolean }) {
  const { t } = useTexts();
  return (
    <>
      {may.export && <Menu.Item leftSection={<IconFileExport size={15} aria-hidden />} onClick={() => dialog.open('export')}>{t(many ? 'take.exportResults' : 'take.exportMail')}</Menu.Item>}
      {may.restore && <Menu.Item leftSection={<IconMailForward size={15} aria-hidden />} onClick={() => dialog.open('restore')}>{t(many ? 'take.restoreResults' : 'take.restoreMail')}</Menu.Item>}
    </>
  );
}

/** The dialog; its form comes when it is wanted. */
export function TakeOutDialog({ takeOut: { dialog }, mails, about }: { takeOut: TakeOutState; mails: ChosenMails; about: ReactNode }) {
  const { t } = useTexts();
  return (
    <Dialog dialog={dialog} title={(way) => t(way === 'export' ? 'take.exportTitle' : 'take.restoreTitle')} size={560}>
      {(way) => {
        const Content = way === 'export' ? ExportForm : RestoreForm;
        return <Suspense fallback={<p className="muted">{t('list.loading')}</p>}><Content mails={mails} about={about} close={dialog.close} /></Suspense>;
      }}
    </Dialog>
  );
}
