// Vite's development server in front of the invented mail.
import { createServer } from 'vite';
import { start } from './server.mjs';

await start(8470);
const vite = await createServer();
await vite.listen();
vite.printUrls();
console.log('  anna/anna reads mail, admin/admin administrates, first/first must change the password');
