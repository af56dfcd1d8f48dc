import { Button, Checkbox, TextInput } from '@mantine/core';
import { type AccountDetail, endAddress, giveAddress } from '../../api/people';
import { Confirm } from '../../forms/Confirm';
import { Form } from '../../forms/Form';
import { useFields } from '../../forms/useFields';
import { useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { IconMail, IconPlus } from '../../ui/icons';
import { Panel } from '../../ui/Page';

const REASON_LENGTH_MIN = 5;

/** The addresses that an account owns or owned, each for a span of time. */
export function AddressesPanel({ account }: { account: AccountDetail }) {
  const { t, day } = useTexts();
  const giving = useDialog();
  const ending = useDialog<string>();
  const refresh = [['accounts']];
  return (
    <Panel title={t('accounts.addresses')} lead={t('accounts.addressesText')} actions={<Button variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => giving.open(true)}>{t('accounts.addAddress')}</Button>} flush>
      <DataTable
        label={t('accounts.addresses')}
        rows={account.addresses}
        rowKey={(span) => `${span.address} ${span.from ?? ''}`}
        empty={<EmptyState icon={<IconMail size={24} />} title={t('accounts.noAddress')}>{t('accounts.noAddressText')}</EmptyState>}
        columns={[
          { title: t('accounts.address'), header: true, cell: (span) => span.address },
          { title: t('accounts.opensFrom'), cell: (span) => (span.from ? day(span.from) : t('accounts.fromBeginning')) },
          { title: t('accounts.opensUntil'), cell: (span) => (span.until ? day(span.until) : <Badge tone="good">{t('accounts.untilNow')}</Badge>) },
          { title: t('table.actions'), actions: true, cell: (span) => !span.until && <Button variant="subtle" color="red" onClick={() => ending.open(span.address)}>{t('accounts.endAddress')}</Button> },
        ]}
      />
      <Dialog dialog={giving} title={t('accounts.addAddress')}>{() => <AddressForm account={account} close={giving.close} />}</Dialog>
      <Confirm dialog={ending} title={t('accounts.endTitle')} effect={(address) => t('accounts.endEffect', { address })} submit={t('accounts.endSubmit')} danger send={(address) => endAddress(account.id, address)} done={t('accounts.ended')} refresh={refresh} />
    </Panel>
  );
}

function AddressForm({ account, close }: { account: AccountDetail; close: () => void }) {
  const { t } = useTexts();
  const fields = useFields({ address: '', everything: false, reason: '' }, (now) => ({ address: !/^[^\s@]+@[^\s@]+$/.test(now.address.trim()) && t('form.address'), reason: now.everything && now.reason.trim().length < REASON_LENGTH_MIN && t('release.reasonShort') }));
  const { address, everything, reason } = fields.values;
  return (
    <Form submit={t('accounts.addAddress')} check={fields.check} send={() => giveAddress(account.id, { address: address.trim(), ...(everything ? { everythingReason: reason.trim() } : {}) })} done={t('accounts.addressGiven')} refresh={[['accounts']]} onDone={close} onCancel={close}>
      <div>{t('accounts.handover')}</div>
      <TextInput size="sm" type="email" label={t('accounts.address')} autoComplete="off" data-autofocus {...fields.text('address')} />
      <Checkbox label={t('accounts.everything')} description={t('accounts.everythingHint')} {...fields.flag('everything')} />
      {everything && <TextInput size="sm" label={t('release.reason')} description={t('release.reasonHint')} {...fields.text('reason')} />}
    </Form>
  );
}
