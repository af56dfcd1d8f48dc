import { ActionIcon, Tooltip } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useRouter } from '@tanstack/react-router';
import { recordQuery, urls } from '../../api/queries';
import { paths } from '../../app/paths';
import { MessageView } from '../../components/MessageView';
import { useShortcuts } from '../../hooks/useShortcuts';
import { useTitle } from '../../hooks/useTitle';
import { useTexts } from '../../i18n';
import { IconArrowLeft } from '../../ui/icons';
import { startDownload } from '../../ui/startDownload';
import classes from './RecordPage.module.css';

const route = getRouteApi('/signed-in/records/$recordId');
const NO_WORDS: string[] = [];

/** One mail on a page of its own, with an address to pass on. */
export function RecordPage() {
  const { t } = useTexts();
  const { recordId } = route.useParams();
  const router = useRouter();
  const { data } = useQuery(recordQuery(recordId));
  useTitle(data?.subject || t('mail.region'));
  const back = () => (router.history.canGoBack() ? router.history.back() : void router.navigate({ to: paths.search, search: {} }));
  const download = () => {
    if (data) startDownload(urls.eml(recordId));
  };
  useShortcuts({ Escape: back, u: back, o: download, e: download });
  return (
    <div className={classes.page}>
      <div className={classes.sheet}>
        <MessageView
          id={recordId}
          words={NO_WORDS}
          level={1}
          onVersion={(id) => void router.navigate({ to: paths.record, params: { recordId: id } })}
          back={
            <Tooltip label={t('mail.back')}>
              <ActionIcon size={30} aria-label={t('mail.back')} onClick={back}><IconArrowLeft size={18} aria-hidden /></ActionIcon>
            </Tooltip>
          }
        />
      </div>
    </div>
  );
}
