import { ActionIcon, Button } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { paths } from '../../app/paths';
import { TakeOutDialog, useTakeOut } from '../../components/TakeOut';
import type { Marks } from '../../hooks/useMarks';
import { usePermissions } from '../../hooks/useSession';
import { useShortcuts } from '../../hooks/useShortcuts';
import { useTexts } from '../../i18n';
import { Dialog, useDialog } from '../../ui/Dialog';
import { IconX } from '../../ui/icons';
import classes from './SearchPage.module.css';

const MatterForm = lazy(async () => ({ default: (await import('../matters/HoldMarked')).HoldMarked }));

/** A query names each mail by its id and is at most 4,096 characters long. */
const HELD_MAX = 90;

/** Whether this person can do anything with several mails at once. */
export function useMayMark(): boolean {
  const { may } = useTakeOut();
  const permissions = usePermissions();
  return may.export || may.restore || permissions.includes('manage_holds');
}

/** What can be done with the marked mails, in the place of what is said of the result. */
export function MarkedBar({ marks }: { marks: Marks }) {
  const { t, n } = useTexts();
  const navigate = useNavigate();
  const takeOut = useTakeOut();
  const holds = usePermissions().includes('manage_holds');
  const holding = useDialog<string>();
  const ids = [...marks.ids];
  const many = ids.length > HELD_MAX;
  useShortcuts({ e: () => takeOut.may.export && takeOut.dialog.open('export'), Escape: marks.clear });
  return (
    <div className={classes.bar} role="toolbar" aria-label={t('marked.label')}>
      <ActionIcon size={26} aria-label={t('marked.clear')} title={t('marked.clear')} onClick={marks.clear}><IconX size={15} aria-hidden /></ActionIcon>
      <div className={classes.total} role="status" aria-live="polite"><strong>{n('marked.count', ids.length)}</strong></div>
      {takeOut.may.export && <Button size="compact-xs" variant="default" onClick={() => takeOut.dialog.open('export')}>{t('take.exportMail')}</Button>}
      {takeOut.may.restore && <Button size="compact-xs" variant="default" onClick={() => takeOut.dialog.open('restore')}>{t('take.restoreMail')}</Button>}
      {holds && <Button size="compact-xs" variant="default" disabled={many} title={many ? t('marked.tooMany') : undefined} onClick={() => holding.open(ids.map((id) => `id:${id}`).join(' OR '))}>{t('marked.hold')}</Button>}
      <TakeOutDialog takeOut={takeOut} mails={{ records: ids }} about={<div>{n('marked.about', ids.length)}</div>} />
      <Dialog dialog={holding} title={t('marked.holdTitle')} size={620}>
        {(query) => <Suspense fallback={<p className="muted">{t('list.loading')}</p>}><MatterForm query={query} close={holding.close} onDone={(matter) => void navigate({ to: paths.matter, params: { matterId: matter.id } })} /></Suspense>}
      </Dialog>
    </div>
  );
}
