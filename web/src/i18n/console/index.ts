// The texts of the console: they come with its pages, not with the first one.
import auditDe from './audit.de.json';
import auditEn from './audit.en.json';
import consoleDe from './console.de.json';
import consoleEn from './console.en.json';
import dashboardDe from './dashboard.de.json';
import dashboardEn from './dashboard.en.json';
import directoriesDe from './directories.de.json';
import directoriesEn from './directories.en.json';
import evidenceDe from './evidence.de.json';
import evidenceEn from './evidence.en.json';
import disposalDe from './disposal.de.json';
import disposalEn from './disposal.en.json';
import fetchDe from './fetch.de.json';
import fetchEn from './fetch.en.json';
import importDe from './import.de.json';
import importEn from './import.en.json';
import mattersDe from './matters.de.json';
import mattersEn from './matters.en.json';
import operationDe from './operation.de.json';
import operationEn from './operation.en.json';
import peopleDe from './people.de.json';
import peopleEn from './people.en.json';
import providersDe from './providers.de.json';
import providersEn from './providers.en.json';
import queuesDe from './queues.de.json';
import queuesEn from './queues.en.json';
import retentionDe from './retention.de.json';
import retentionEn from './retention.en.json';
import serverDe from './server.de.json';
import serverEn from './server.en.json';
import settingsDe from './settings.de.json';
import settingsEn from './settings.en.json';
import signinDe from './signin.de.json';
import signinEn from './signin.en.json';
import sourcesDe from './sources.de.json';
import sourcesEn from './sources.en.json';
import takeoutDe from './takeout.de.json';
import takeoutEn from './takeout.en.json';
import tenantsDe from './tenants.de.json';
import tenantsEn from './tenants.en.json';
import { addTexts } from '../index';

const en = { ...auditEn, ...consoleEn, ...dashboardEn, ...directoriesEn, ...evidenceEn, ...disposalEn, ...fetchEn, ...importEn, ...mattersEn, ...operationEn, ...peopleEn, ...providersEn, ...queuesEn, ...retentionEn, ...serverEn, ...settingsEn, ...signinEn, ...sourcesEn, ...takeoutEn, ...tenantsEn };
const de = { ...auditDe, ...consoleDe, ...dashboardDe, ...directoriesDe, ...evidenceDe, ...disposalDe, ...fetchDe, ...importDe, ...mattersDe, ...operationDe, ...peopleDe, ...providersDe, ...queuesDe, ...retentionDe, ...serverDe, ...settingsDe, ...signinDe, ...sourcesDe, ...takeoutDe, ...tenantsDe };

export type ConsoleKey = keyof typeof en;

addTexts({ de, en });
