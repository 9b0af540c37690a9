import { type LookupAddress, lookup } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { messageOf } from '../../model/errors.ts';
import type { RegistryAuth } from '../../model/spec.ts';

/** Names of the repositories that a registry holds. */
export interface RegistryCatalog {
	/**
	 * Speaks only with addresses that `allows` takes. Fails with an Error for a registry that cannot be reached, refuses
	 * the login, or tells no catalogue.
	 */
	repositories(registry: RegistryAuth, signal: AbortSignal, allows: (address: string) => boolean): Promise<readonly string[]>;
}

/** Most names that are asked for, and most bytes that are read of the answer. */
const maxNames = 1000;
const maxBytes = 1 << 20;

/** A registry's host, with a port where it has one: nothing that could make another URL of it. */
const domainForm = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?$/;

/** Whether the domain is on this machine: engines speak plain HTTP to such registries. */
function isLoopback(domain: string): boolean {
	const host = domain.replace(/:\d+$/, '').toLowerCase();
	return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Asks registries by the distribution API, over HTTPS except on loopback. Redirects are not followed. */
export class HttpRegistryCatalog implements RegistryCatalog {
	async repositories(
		{ domain, username, password }: RegistryAuth,
		signal: AbortSignal,
		allows: (address: string) => boolean,
	): Promise<readonly string[]> {
		if (!domainForm.test(domain)) throw new Error(`${domain} is not the domain of a registry`);
		const url = `${isLoopback(domain) ? 'http' : 'https'}://${domain}/v2/_catalog?n=${maxNames}`;
		const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
		const answer = await get(url, { accept: 'application/json', authorization }, signal, allows).catch((error: unknown) => {
			throw new Error(`registry ${domain} cannot be reached: ${messageOf(error)}`, { cause: error });
		});
		if (answer.statusCode !== 200) {
			answer.destroy();
			throw new Error(`registry ${domain} answered ${answer.statusCode} when asked for its catalogue`);
		}
		return namesIn(await readText(answer));
	}
}

/** A name is judged by what the connection is really made to: it may have been something else a moment ago. */
function get(
	url: string,
	headers: Readonly<Record<string, string>>,
	signal: AbortSignal,
	allows: (address: string) => boolean,
): Promise<http.IncomingMessage> {
	const checked: LookupFunction = (host, options, done) => {
		lookup(host, { ...options, all: true }, (error, addresses: readonly LookupAddress[]) => {
			const [first] = addresses ?? [];
			if (error !== null) done(error, '');
			else if (first === undefined || !addresses.every(({ address }) => allows(address))) done(new Error(`${host} may not be asked`), '');
			else if (options.all === true) done(null, [...addresses]);
			else done(null, first.address, first.family);
		});
	};
	return new Promise((resolve, reject) => {
		const { request } = url.startsWith('https:') ? https : http;
		request(url, { headers, signal, lookup: checked, agent: false }, resolve).on('error', reject).end();
	});
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
	const parts: Uint8Array[] = [];
	let length = 0;
	for await (const part of body) {
		length += part.length;
		if (length > maxBytes) throw new Error('the catalogue is too long');
		parts.push(part);
	}
	return Buffer.concat(parts).toString('utf8');
}

function namesIn(text: string): readonly string[] {
	const value: unknown = JSON.parse(text);
	if (typeof value !== 'object' || value === null || !('repositories' in value) || !Array.isArray(value.repositories)) return [];
	return value.repositories.filter((name) => typeof name === 'string').slice(0, maxNames);
}
