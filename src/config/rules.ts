import { isIP, isIPv4 } from 'node:net';
import path from 'node:path';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { parseCidr } from '../model/ip.ts';
import { providerContradictions } from './openstack-rules.ts';
import type { ConfigValues } from './schema.ts';
import { isRecord, note } from './settings.ts';

const formats: Readonly<Record<string, (value: string) => boolean>> = {
	'absolute-path': (value) => path.isAbsolute(value),
	'http-url': isHttpUrl,
	'ipv4-cidr': isIpv4Cidr,
	cidr: (value) => parseCidr(value) !== null,
	'ip-address': (value) => isIP(value) !== 0,
};

/** Whether the value is one that the setting's schema allows, its format included. */
export function isAllowed(schema: TSchema, value: unknown): boolean {
	if (!Value.Check(schema, value)) return false;
	const items = note(schema, 'items');
	if (Array.isArray(value) && isRecord(items)) return value.every((item) => hasFormat(items, item));
	return hasFormat(schema, value);
}

function hasFormat(schema: TSchema, value: unknown): boolean {
	const format = note(schema, 'format');
	if (typeof format !== 'string' || typeof value !== 'string') return true;
	return formats[format]?.(value) ?? true;
}

/** What is wrong between settings, each with what would be right. */
export function contradictions(config: ConfigValues): string[] {
	const found: string[] = [];
	if (config.hosts.downAfter < 2 * config.agent.heartbeatInterval) {
		found.push(
			`hosts.downAfter is ${config.hosts.downAfter} s and agent.heartbeatInterval ${config.agent.heartbeatInterval} s: a host would be taken for down between two heartbeats; make it ${2 * config.agent.heartbeatInterval} or more`,
		);
	}
	if (config.volumes.minSize > config.volumes.maxSize) {
		found.push(
			`volumes.minSize is ${config.volumes.minSize} GiB and volumes.maxSize ${config.volumes.maxSize} GiB: no volume could be made`,
		);
	}
	if (config.webhook.url !== null && config.webhook.secretFile === null) {
		found.push('webhook.url is given and webhook.secretFile is not: the receiver could not tell who speaks to it');
	}
	return [...found, ...providerContradictions(config)];
}

function isHttpUrl(value: string): boolean {
	if (!URL.canParse(value) || value.endsWith('/')) return false;
	const url = new URL(value);
	return (url.protocol === 'http:' || url.protocol === 'https:') && url.search === '' && url.hash === '' && url.username === '';
}

function isIpv4Cidr(value: string): boolean {
	const [address = '', length = '', ...more] = value.split('/');
	if (more.length > 0 || !isIPv4(address) || !/^\d{1,2}$/.test(length)) return false;
	const bits = Number(length);
	if (bits < 8 || bits > 29) return false;
	const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
	return number % 2 ** (32 - bits) === 0;
}
