// The texts of the console: they come with its pages, not with the first one.
import consoleDe from './console.de.json';
import consoleEn from './console.en.json';
import { addTexts } from '../index';

const en = { ...consoleEn };
const de = { ...consoleDe };

export type ConsoleKey = keyof typeof en;

addTexts({ de, en });
