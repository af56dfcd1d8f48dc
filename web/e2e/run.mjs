// Every task in both languages against a running server, which these variables name:
//   CHANCERY_URL                                       such as http://127.0.0.1:8080
//   CHANCERY_USER, CHANCERY_PASSWORD                   somebody with mail
//   CHANCERY_ADMINISTRATOR, CHANCERY_AUDITOR, CHANCERY_OFFICER, CHANCERY_SECOND_OFFICER,
//   CHANCERY_OPERATOR                                  others who can sign in, with the same password, or with that of
//   CHANCERY_ADMIN_PASSWORD, CHANCERY_AUDITOR_PASSWORD, CHANCERY_OFFICER_PASSWORD, CHANCERY_OPERATOR_PASSWORD; without them
//                                                      their tasks are left out, and said so
//   CHANCERY_CHROMIUM                                  the browser, /usr/bin/chromium if not given
//   CHANCERY_DUE                                       how many mails are so old that any policy lets them go
//   CHANCERY_SHOTS                                     a folder for pictures of failures
// Arguments choose tasks by name: `npm run e2e -- download status`.
import { mkdir } from 'node:fs/promises';
import { launch, open } from './lib.mjs';

const READER_TASKS = ['sign-in', 'search-and-read', 'download', 'exports'];
const AUDITOR_TASKS = ['audit', 'oversight'];
const OFFICER_TASKS = ['officer', 'matters', 'retention'];
const ADMINISTRATOR_TASKS = ['status', 'quarantine', 'console', 'fetch'];
const OPERATOR_TASKS = ['operator', 'second-factor', 'provider'];

const { env } = process;
const who = (user, password) => (user && password ? { user, password } : null);
const people = {
  reader: who(env.CHANCERY_USER, env.CHANCERY_PASSWORD),
  auditor: who(env.CHANCERY_AUDITOR, env.CHANCERY_AUDITOR_PASSWORD ?? env.CHANCERY_PASSWORD),
  officer: who(env.CHANCERY_OFFICER, env.CHANCERY_OFFICER_PASSWORD ?? env.CHANCERY_PASSWORD),
  second: who(env.CHANCERY_SECOND_OFFICER, env.CHANCERY_OFFICER_PASSWORD ?? env.CHANCERY_PASSWORD),
  operator: who(env.CHANCERY_OPERATOR, env.CHANCERY_OPERATOR_PASSWORD ?? env.CHANCERY_PASSWORD),
  administrator: who(env.CHANCERY_ADMINISTRATOR ?? env.CHANCERY_ADMIN_USER, env.CHANCERY_ADMIN_PASSWORD ?? env.CHANCERY_PASSWORD),
};
if (!env.CHANCERY_URL || (!people.reader && !people.administrator)) {
  console.error('CHANCERY_URL, CHANCERY_USER and CHANCERY_PASSWORD must be set');
  process.exit(2);
}
const wanted = process.argv.slice(2);
const tasks = [...(people.reader ? READER_TASKS : []), ...(people.auditor ? AUDITOR_TASKS : []), ...(people.officer && people.second ? OFFICER_TASKS : []), ...(people.administrator ? ADMINISTRATOR_TASKS : []), ...(people.operator ? OPERATOR_TASKS : [])].filter((name) => wanted.length === 0 || wanted.includes(name));
if (!people.reader) console.log('no reader: their tasks are left out');
if (!people.auditor) console.log('no auditor: their tasks are left out');
if (!people.officer || !people.second) console.log('no two officers: their tasks are left out');
if (!people.administrator) console.log('no administrator: their tasks are left out');
if (!people.operator) console.log('no operator: their tasks are left out');

const browser = await launch();
let failures = 0;
for (const name of tasks) {
  const { title, run } = await import(`./${name}.mjs`);
  for (const language of ['de', 'en']) {
    const window = await open(browser, { url: env.CHANCERY_URL, language, scheme: language === 'de' ? 'light' : 'dark' });
    const notes = [];
    Object.assign(window, { language, mock: env.CHANCERY_MOCK === '1', note: (text) => notes.push(text) });
    const started = performance.now();
    try {
      await run(window, people);
      if (window.complaints.length > 0) throw new Error(`the browser complains: ${window.complaints.join(' | ')}`);
      console.log(`ok    ${name} [${language}] ${title} (${Math.round(performance.now() - started)} ms)${notes.length > 0 ? `: ${notes.join('; ')}` : ''}`);
    } catch (error) {
      failures += 1;
      console.error(`FAIL  ${name} [${language}] ${title}\n${error instanceof Error ? error.stack : String(error)}`);
      if (window.complaints.length > 0) console.error(`the browser complains: ${window.complaints.join(' | ')}`);
      if (env.CHANCERY_SHOTS) {
        await mkdir(env.CHANCERY_SHOTS, { recursive: true });
        await window.page.screenshot({ path: `${env.CHANCERY_SHOTS}/${name}-${language}.png` }).catch(() => {});
      }
    }
    await window.context.close();
  }
}
await browser.close();
console.log(`${tasks.length * 2 - failures} passed, ${failures} failed`);
process.exit(failures > 0 ? 1 : 0);
