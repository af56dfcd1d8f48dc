// Fails when a text is missing in a language, has other holes there, or is used nowhere.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../src/', import.meta.url));
const [en, de] = ['en', 'de'].map((name) => JSON.parse(readFileSync(`${root}i18n/${name}.json`, 'utf8')));
const code = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name)).map((name) => readFileSync(root + name, 'utf8')).join('\n');
const holes = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort().join();
// Keys that are put together at run time, such as t(`kind.${kind}`).
const dynamic = [...code.matchAll(/`([a-z][\w.]*\.)\$\{/gi)].map((hit) => hit[1]).concat(['filter.attachment.', 'kind.', 'size.', 'reason.']);

const faults = [];
for (const key of new Set([...Object.keys(en), ...Object.keys(de)])) {
  if (!en[key]?.trim()) faults.push(`${key}: missing in en.json`);
  if (!de[key]?.trim()) faults.push(`${key}: missing in de.json`);
  if (en[key] && de[key] && holes(en[key]) !== holes(de[key])) faults.push(`${key}: the holes differ`);
  const base = key.replace(/_(one|other)$/, '');
  if (!code.includes(`'${base}'`) && !dynamic.some((prefix) => key.startsWith(prefix))) faults.push(`${key}: used nowhere`);
  if (/\b(du|dein|deine|dir|dich)\b/i.test(de[key] ?? '')) faults.push(`${key}: German says Sie`);
}
if (Object.keys(en).join() !== Object.keys(de).join()) faults.push('the keys stand in a different order');
faults.forEach((fault) => console.error(fault));
console.log(`${Object.keys(en).length} texts, ${faults.length} faults`);
process.exit(faults.length > 0 ? 1 : 0);
