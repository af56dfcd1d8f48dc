import { useTexts } from '../i18n';
import { Badge } from '../ui/Badge';
import classes from './Certificates.module.css';

interface Certificate {
  subject: string;
  notAfter: string;
  selfSigned: boolean;
}

const DAYS_MIN = 21;
const DAY_MS = 86_400_000;

/** Certificates in use, with the days that they have left. */
export function Certificates({ certificates }: { certificates: readonly Certificate[] }) {
  const { t, n, date } = useTexts();
  if (certificates.length === 0) return <p className="muted">{t('status.noCertificates')}</p>;
  return (
    <ul className={classes.list}>
      {certificates.map((certificate) => {
        const days = Math.floor((new Date(certificate.notAfter).getTime() - Date.now()) / DAY_MS);
        return (
          <li key={certificate.subject + certificate.notAfter}>
            <div className={classes.subject}>{certificate.subject}</div>
            <div className="muted">{t('status.notAfter', { date: date(certificate.notAfter) })}</div>
            <div className={classes.badges}>
              <Badge tone={days < 0 ? 'bad' : days < DAYS_MIN ? 'warn' : 'good'}>{days < 0 ? t('status.expired') : n('status.daysLeft', days)}</Badge>
              {certificate.selfSigned && <Badge tone="warn">{t('status.selfSigned')}</Badge>}
            </div>
            {certificate.selfSigned && <p className={classes.hint}>{t('status.selfSignedText')}</p>}
          </li>
        );
      })}
    </ul>
  );
}
