// The few house rules that a compiler does not know: length, typed translations, no way around the sanitiser.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const LINES_MAX = 500;
const FORBIDDEN = [
  [/dangerouslySetInnerHTML|\.innerHTML\b|srcDoc/i, 'HTML is only ever shown through the sandboxed frame'],
  [/\beval\(|new Function\(/, 'the content security policy forbids it'],
  [/console\.(log|debug)/, 'left from debugging'],
  [/: any\b|as any\b|@ts-ignore/, 'not typed'],
  [/https?:\/\/(?!www\.w3\.org)/, 'nothing is loaded from elsewhere'],
  [/\b(TODO|FIXME)\b/, 'belongs into an issue'],
];

const root = fileURLToPath(new URL('../', import.meta.url));
const files = ['src', 'e2e', 'mocks', 'scripts'].flatMap((folder) => readdirSync(root + folder, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`));
const faults = [];
for (const name of files.filter((file) => /\.(tsx?|mjs|css)$/.test(file) && !file.endsWith('schema.d.ts'))) {
  const text = readFileSync(root + name, 'utf8');
  if (text.split('\n').length > LINES_MAX) faults.push(`${name}: longer than ${LINES_MAX} lines`);
  if (!name.startsWith('src/')) continue;
  for (const [pattern, reason] of FORBIDDEN) {
    const hit = pattern.exec(text);
    if (hit) faults.push(`${name}: ${hit[0]}: ${reason}`);
  }
}
const lock = readFileSync(`${root}package-lock.json`, 'utf8');
for (const [, host] of lock.matchAll(/"resolved": "https?:\/\/([^/"]+)/g)) {
  if (host !== 'registry.npmjs.org') faults.push(`package-lock.json: a package comes from ${host}`);
}
const mantine = new Set(Object.entries(JSON.parse(readFileSync(`${root}package.json`, 'utf8')).dependencies).filter(([name]) => name.startsWith('@mantine/')).map(([, version]) => version));
if (mantine.size !== 1) faults.push('package.json: all @mantine packages have one version');
faults.forEach((fault) => console.error(fault));
console.log(`${files.length} files, ${faults.length} faults`);
process.exit(faults.length > 0 ? 1 : 0);
