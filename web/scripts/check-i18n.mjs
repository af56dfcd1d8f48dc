// Fails when a text is missing in a language, has other holes there, stands twice, or is used nowhere.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../src/', import.meta.url));
const names = readdirSync(root, { recursive: true, encoding: 'utf8' });
const read = (name) => JSON.parse(readFileSync(root + name, 'utf8'));
const files = names.filter((name) => /^i18n\/(.*[./])?en\.json$/.test(name)).map((name) => ({ name, en: read(name), de: read(name.replace(/en\.json$/, 'de.json')) }));
const code = names.filter((name) => /\.tsx?$/.test(name)).map((name) => readFileSync(root + name, 'utf8')).join('\n');
const holes = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort().join();
// Keys that are put together at run time, such as t(`kind.${kind}`).
const dynamic = [...code.matchAll(/`([a-z][\w.]*\.)\$\{/gi)].map((hit) => hit[1]).concat(['filter.attachment.', 'kind.', 'size.', 'reason.']);

const faults = [];
const seen = new Set();
let count = 0;
for (const { name, en, de } of files) {
  for (const key of new Set([...Object.keys(en), ...Object.keys(de)])) {
    count += 1;
    if (seen.has(key)) faults.push(`${name}: ${key}: stands in another file too`);
    seen.add(key);
    if (!en[key]?.trim()) faults.push(`${name}: ${key}: missing in English`);
    if (!de[key]?.trim()) faults.push(`${name}: ${key}: missing in German`);
    if (en[key] && de[key] && holes(en[key]) !== holes(de[key])) faults.push(`${name}: ${key}: the holes differ`);
    const base = key.replace(/_(one|other)$/, '');
    if (!code.includes(`'${base}'`) && !dynamic.some((prefix) => key.startsWith(prefix))) faults.push(`${name}: ${key}: used nowhere`);
    if (/\b(du|dein|deine|dir|dich)\b/i.test(de[key] ?? '')) faults.push(`${name}: ${key}: German says Sie`);
  }
  if (Object.keys(en).join() !== Object.keys(de).join()) faults.push(`${name}: the keys stand in a different order`);
}
faults.forEach((fault) => console.error(fault));
console.log(`${count} texts, ${faults.length} faults`);
process.exit(faults.length > 0 ? 1 : 0);
