import { Checkbox } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { policyQuery, setPolicy, type SignInPolicy } from '../../api/sign-in';
import { Failure } from '../../components/Failure';
import { Form } from '../../forms/Form';
import forms from '../../forms/forms.module.css';
import { useFields } from '../../forms/useFields';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { Page, Panel } from '../../ui/Page';
import { ProvidersPanel } from './ProvidersPanel';

const ROLES = ['administrator', 'officer', 'auditor', 'user'] as const;

/** How people of the tenant sign in. */
export function MethodsPage() {
  const { t } = useTexts();
  const { data, error, refetch } = useQuery(policyQuery);
  if (error && !data) return <Page title={t('methods.title')}><Failure error={error} retry={() => void refetch()} /></Page>;
  return (
    <Page title={t('methods.title')} lead={t('methods.lead')}>
      {data && <PolicyForm key={JSON.stringify(data)} policy={data} />}
      <ProvidersPanel />
    </Page>
  );
}

function PolicyForm({ policy }: { policy: SignInPolicy }) {
  const { t } = useTexts();
  const fields = useFields({ localForAdministratorsOnly: policy.localForAdministratorsOnly, secondFactorRoles: policy.secondFactorRoles as string[] });
  const { values } = fields;
  return (
    <Panel title={t('methods.policy')} lead={t('methods.policyText')}>
      <Form submit={t('form.save')} send={() => setPolicy(values as SignInPolicy)} done={t('form.saved')} refresh={[['sign-in-policy']]}>
        <Checkbox.Group label={t('methods.secondFactor')} description={t('methods.secondFactorHint')} value={values.secondFactorRoles} onChange={(secondFactorRoles) => fields.set({ secondFactorRoles })}>
          <div className={forms.choices}>{ROLES.map((role) => <Checkbox key={role} value={role} label={t(`role.${role}`)} />)}</div>
        </Checkbox.Group>
        <Checkbox label={t('methods.localOnly')} description={t('methods.localOnlyHint')} {...fields.flag('localForAdministratorsOnly')} />
        {values.localForAdministratorsOnly && !policy.localForAdministratorsOnly && <Note tone="warn">{t('methods.localOnlyWarning')}</Note>}
      </Form>
    </Panel>
  );
}
