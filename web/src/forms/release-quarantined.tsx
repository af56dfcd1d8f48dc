import { Alert, Button, Modal, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useState } from 'react';
import { api, type Schemas, unwrap } from '../api/client';
import { problemText } from '../components/problem';
import { useTexts } from '../i18n';
import classes from './forms.module.css';

const REASON_LENGTH_MIN = 5;

/** States what a release does and asks why, before it happens. */
export function ReleaseDialog({ row, onClose }: { row: Schemas['QuarantineRow'] | null; onClose: () => void }) {
  const texts = useTexts();
  const { t } = texts;
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState(false);
  const short = reason.trim().length < REASON_LENGTH_MIN;
  const release = useMutation({
    mutationFn: (id: string) => unwrap(api.POST('/api/v1/quarantine/{id}/release', { params: { path: { id } }, body: { reason: reason.trim() } })),
    onSuccess: () => {
      notifications.show({ message: t('release.done'), color: 'green' });
      onClose();
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['quarantine'] }),
  });
  const { reset } = release;
  useEffect(() => {
    setReason('');
    setTried(false);
    reset();
  }, [row, reset]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (row && !short) release.mutate(row.id);
  };
  return (
    <Modal opened={row !== null} onClose={onClose} title={t('release.title')} closeButtonProps={{ 'aria-label': t('form.close') }}>
      <form className={classes.form} onSubmit={submit} noValidate>
        <div>{t('release.effect')}</div>
        {release.error && <Alert color="red" variant="light" role="alert">{problemText(release.error, texts)}</Alert>}
        <Textarea size="sm" label={t('release.reason')} description={t('release.reasonHint')} rows={3} maxLength={1000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} required withAsterisk={false} error={tried && short ? t('release.reasonShort') : undefined} data-autofocus />
        <div className={classes.buttons}>
          <Button variant="default" size="sm" onClick={onClose}>{t('form.cancel')}</Button>
          <Button type="submit" size="sm" loading={release.isPending}>{t('release.submit')}</Button>
        </div>
      </form>
    </Modal>
  );
}
