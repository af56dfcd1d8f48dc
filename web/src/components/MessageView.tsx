import { ActionIcon, Button, Menu, Skeleton, Tabs, Tooltip } from '@mantine/core';
import { useSay } from '../hooks/useSay';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { ApiError, type Schemas } from '../api/client';
import { recordQuery, urls } from '../api/queries';
import { useTexts } from '../i18n';
import { useDialog } from '../ui/Dialog';
import { EmptyState } from '../ui/EmptyState';
import { IconAlertTriangle, IconDots, IconDownload, IconExternalLink, IconFileDownload, IconLink, IconSearch } from '../ui/icons';
import { ErasureDialog, ErasureItem } from './Erasure';
import { EvidenceBadge } from './EvidenceBadge';
import { EvidenceTab } from './EvidenceTab';
import { HeadersTab } from './HeadersTab';
import { MessageHead } from './MessageHead';
import classes from './MessageView.module.css';
import { MessageTab } from './MessageTab';
import { problemText } from './problem';
import { RecipientsTab } from './RecipientsTab';
import { SourceTab } from './SourceTab';
import { TakeOutDialog, TakeOutItems, useTakeOut } from './TakeOut';
import { TextTab } from './TextTab';

interface Props {
  id: string;
  /** Words of the query, marked in the text. */
  words: string[];
  /** Shown before the subject: the way back where there is no list beside it. */
  back?: ReactNode;
  /** Opens the mail on a page of its own; absent there. */
  onOpen?: () => void;
  onVersion: (id: string) => void;
  level?: 1 | 2;
}

const TABS = ['message', 'text', 'recipients', 'headers', 'source', 'evidence'] as const;

/** One mail with everything that the archive knows about it. */
export function MessageView(props: Props) {
  const texts = useTexts();
  const { t } = texts;
  const { data: record, error, refetch } = useQuery(recordQuery(props.id));
  const [tab, setTab] = useState<string>('message');
  if (error) {
    const gone = error instanceof ApiError && error.status === 404;
    return (
      <div className={classes.view}>
        {props.back && <div className={classes.bare}>{props.back}</div>}
        <EmptyState alert level={props.level} icon={gone ? <IconSearch size={24} /> : <IconAlertTriangle size={24} />} title={gone ? t('mail.notFound') : t('mail.failed')} actions={!gone && <Button variant="default" onClick={() => void refetch()}>{t('error.retry')}</Button>}>
          {gone ? t('mail.notFoundText') : problemText(error, texts)}
        </EmptyState>
      </div>
    );
  }
  if (!record) return <ViewSkeleton back={props.back} label={t('mail.loading')} />;
  return (
    <article className={classes.view} aria-label={record.subject || t('mail.noSubject')}>
      <MessageHead record={record} level={props.level ?? 2} back={props.back} actions={<Actions record={record} onOpen={props.onOpen} />} badge={<EvidenceBadge id={record.id} onOpen={() => setTab('evidence')} />} onVersion={props.onVersion} />
      <Tabs value={tab} onChange={(value) => setTab(value ?? 'message')} classNames={{ root: classes.tabs, panel: classes.panel, list: classes.list, tab: classes.tab }} keepMounted={false}>
        <Tabs.List aria-label={t('tab.label')}>
          {TABS.map((name) => (
            <Tabs.Tab key={name} value={name}>{t(`tab.${name}`)}</Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="message"><MessageTab key={record.id} record={record} words={props.words} /></Tabs.Panel>
        <Tabs.Panel value="text"><TextTab record={record} words={props.words} /></Tabs.Panel>
        <Tabs.Panel value="recipients"><RecipientsTab record={record} level={props.level ?? 2} /></Tabs.Panel>
        <Tabs.Panel value="headers"><HeadersTab record={record} /></Tabs.Panel>
        <Tabs.Panel value="source"><SourceTab id={record.id} sizeBytes={record.sizeBytes} /></Tabs.Panel>
        <Tabs.Panel value="evidence"><EvidenceTab record={record} level={props.level ?? 2} /></Tabs.Panel>
      </Tabs>
    </article>
  );
}

function Actions({ record, onOpen }: { record: Schemas['Record']; onOpen?: () => void }) {
  const { t, shortDate, bytes } = useTexts();
  const say = useSay();
  const takeOut = useTakeOut();
  const erasing = useDialog<true>();
  const copyLink = async () => {
    await navigator.clipboard.writeText(`${location.origin}/records/${record.id}`);
    say(t('mail.linkCopied'));
  };
  return (
    <>
      {onOpen && (
        <Tooltip label={t('mail.openPage')}>
          <ActionIcon size={28} aria-label={t('mail.openPage')} onClick={onOpen}><IconExternalLink size={16} aria-hidden /></ActionIcon>
        </Tooltip>
      )}
      <Button.Group>
        <Button component="a" href={urls.eml(record.id)} download variant="default" leftSection={<IconDownload size={14} aria-hidden />} title={t('mail.downloadHint', { size: bytes(record.sizeBytes) })}>
          {t('mail.download')}
        </Button>
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" px={7} aria-label={t('mail.more')}><IconDots size={15} aria-hidden /></Button>
          </Menu.Target>
          <Menu.Dropdown>
            {record.reports.map((report) => (
              <Menu.Item key={report.contentId} component="a" href={urls.report(record.id, report.contentId)} download leftSection={<IconFileDownload size={15} aria-hidden />}>
                {t('mail.downloadReport', { date: shortDate(report.receivedAt) })}
              </Menu.Item>
            ))}
            <Menu.Item leftSection={<IconLink size={15} aria-hidden />} onClick={() => void copyLink()}>{t('mail.copyLink')}</Menu.Item>
            <TakeOutItems takeOut={takeOut} many={false} />
            <ErasureItem dialog={erasing} />
          </Menu.Dropdown>
        </Menu>
      </Button.Group>
      <ErasureDialog dialog={erasing} record={record.id} subject={record.subject || t('mail.noSubject')} />
      <TakeOutDialog takeOut={takeOut} mails={{ records: [record.id] }} about={<strong>{record.subject || t('mail.noSubject')}</strong>} />
    </>
  );
}

function ViewSkeleton({ back, label }: { back?: ReactNode; label: string }) {
  return (
    <div className={classes.view} role="status" aria-label={label}>
      {back && <div className={classes.bare}>{back}</div>}
      <div className={classes.ghost}>
        <Skeleton height={18} width="55%" mb={18} />
        <Skeleton height={11} width="38%" mb={8} />
        <Skeleton height={11} width="46%" mb={30} />
        {[92, 88, 95, 60, 0, 84, 90, 40].map((width, i) => <Skeleton key={i} height={width ? 10 : 0} width={`${width}%`} mb={10} />)}
      </div>
    </div>
  );
}
