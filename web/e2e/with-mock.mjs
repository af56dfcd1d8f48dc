// The tasks against the invented mail, with nothing else running.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { start } from '../mocks/server.mjs';

const server = await start();
const env = { ...process.env, CHANCERY_MOCK: '1', CHANCERY_URL: server.url, CHANCERY_USER: 'anna', CHANCERY_PASSWORD: 'anna', CHANCERY_AUDITOR: 'vera', CHANCERY_AUDITOR_PASSWORD: 'vera', CHANCERY_OFFICER: 'olga', CHANCERY_SECOND_OFFICER: 'dirk', CHANCERY_OFFICER_PASSWORD: 'olga', CHANCERY_ADMINISTRATOR: 'admin', CHANCERY_ADMIN_PASSWORD: 'admin', CHANCERY_OPERATOR: 'root', CHANCERY_OPERATOR_PASSWORD: 'root' };
const child = spawn(process.execPath, [fileURLToPath(new URL('run.mjs', import.meta.url)), ...process.argv.slice(2)], { env, stdio: 'inherit' });
child.on('exit', (code) => {
  server.close();
  process.exit(code ?? 1);
});
