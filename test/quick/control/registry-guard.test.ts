import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { RegistryGuard } from '../../../src/control/registry-guard.ts';
import { ZunboxError } from '../../../src/model/errors.ts';
import { addressesBesideHost } from '../../../src/model/ip.ts';
import { HttpRegistryCatalog } from '../../../src/providers/image/registry-catalog.ts';
import { principal } from '../../support/control.ts';

const names: Readonly<Record<string, readonly string[]>> = {
	localhost: ['127.0.0.1', '::1'],
	'127.1': ['127.0.0.1'],
	'public.example': ['192.0.2.7', '2001:db8::7'],
	'inside.example': ['192.0.2.7', '169.254.169.254'],
	'mapped.example': ['::ffff:127.0.0.1'],
	vm: ['127.0.1.1'],
};
const member = principal('p1');
const admin = principal('p1', ['admin']);

function code(expected: string) {
	return (error: unknown) => error instanceof ZunboxError && error.code === expected;
}

function guard() {
	const asked: string[] = [];
	const made = new RegistryGuard(addressesBesideHost, async (host) => {
		asked.push(host);
		const addresses = names[host];
		if (addresses === undefined) throw new Error('ENOTFOUND');
		return addresses;
	});
	return { asked, made };
}

describe('registries that users may name', () => {
	for (const image of [
		'127.0.0.1:5000/app',
		'127.1/app',
		'localhost/app',
		'LOCALHOST/app',
		'localhost:80/app:1',
		'[::1]:5000/app',
		'[::ffff:127.0.0.1]:80/app',
		'169.254.169.254/latest/meta-data',
		'0.0.0.0:9517/v1',
		'[fe80::1]:80/app',
		'inside.example/app@sha256:12',
		'inside.example./app',
		'mapped.example/app',
		'vm:8080/app',
	]) {
		test(`${image} is none`, async () => {
			await assert.rejects(guard().made.checkImage(member, image), code('policy-not-authorized'));
			await guard().made.checkImage(admin, image);
		});
	}

	for (const image of ['nginx', 'library/nginx:1', 'team/app', 'public.example/app', '192.0.2.1:5000/app', 'gone.example/app', null]) {
		test(`${image} is one`, async () => {
			await guard().made.checkImage(member, image);
		});
	}

	test('a domain is read in every form that a registry is made with', async () => {
		for (const domain of ['https://localhost:5000/v2/', 'LocalHost', '127.0.0.1', '[::1]']) {
			await assert.rejects(guard().made.checkDomain(member, domain), code('policy-not-authorized'), domain);
		}
		await guard().made.checkDomain(member, 'https://public.example:5000/v2/');
	});

	test('a name is looked up once in a while', async () => {
		const { made, asked } = guard();
		await Promise.all([1, 2, 3].map(() => made.checkImage(member, 'public.example/app')));
		await made.checkImage(member, 'public.example/other');
		assert.deepEqual(asked, ['public.example']);
	});

	test('lookups wait for one another, and too many of them are refused', async () => {
		let running = 0;
		let most = 0;
		const { promise, resolve } = Promise.withResolvers<void>();
		const slow = new RegistryGuard(addressesBesideHost, async () => {
			running += 1;
			most = Math.max(most, running);
			await promise;
			running -= 1;
			return ['192.0.2.1'];
		});
		const checks = Array.from({ length: 60 }, (_, n) => slow.checkImage(member, `r${n}.example/app`));
		const results = Promise.allSettled(checks);
		resolve();
		const refused = (await results).filter((result) => result.status === 'rejected');
		assert.ok(refused.length > 0 && refused.length <= 8, String(refused.length));
		assert.ok(refused.every((result) => code('too-many-requests')(result.reason)));
		assert.equal(most, 2);
	});

	test('without forbidden ranges nothing is looked up', async () => {
		const open = new RegistryGuard([], () => Promise.reject(new Error('asked')));
		await open.checkImage(member, 'localhost/app');
	});
});

test('a catalogue is asked of what the connection is made to, whatever its name was a moment ago', async (t) => {
	const asked: string[] = [];
	const server = createServer((request, response) => {
		asked.push(`${request.url} ${request.headers.authorization}`);
		if (request.headers.authorization !== `Basic ${Buffer.from('u:p').toString('base64')}`)
			response.writeHead(302, { location: '/other' }).end();
		else response.end(JSON.stringify({ repositories: ['team/app', 7] }));
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.after(() => server.close());
	const domain = `localhost:${(server.address() as AddressInfo).port}`;
	const catalog = new HttpRegistryCatalog();
	const ask = (password: string, allows: (address: string) => boolean) =>
		catalog.repositories({ domain, username: 'u', password }, AbortSignal.timeout(20_000), allows);
	const made = new RegistryGuard(addressesBesideHost);
	await assert.rejects(
		ask('p', (address) => made.allows(address)),
		/localhost may not be asked/,
	);
	assert.deepEqual(asked, []);
	assert.deepEqual(await ask('p', () => true), ['team/app']);
	await assert.rejects(
		ask('wrong', () => true),
		/answered 302/,
	);
	assert.equal(asked.length, 2, 'a redirect is not followed');
});
