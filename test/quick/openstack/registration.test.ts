import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { GlanceClient } from '../../../src/openstack/glance.ts';
import { KeystoneClient } from '../../../src/openstack/keystone.ts';
import { ensureServerImage, type Registration, register } from '../../../src/openstack/registration.ts';
import { type Heard, type Scripted, ScriptedCloud } from '../../support/openstack/scripted-cloud.ts';

const signal = new AbortController().signal;

const registration: Registration = {
	username: 'zun',
	password: 'zun-password',
	userDomainName: 'Default',
	projectName: 'service',
	projectDomainName: 'Default',
	region: 'one',
	urls: { public: 'http://public/v1', internal: 'http://internal/v1', admin: 'http://admin/v1' },
};

interface Row {
	readonly id: string;
	readonly [name: string]: unknown;
}

/** Keystone's lists in memory, as far as a registration goes. */
class Lists {
	readonly rows: Record<string, Row[]> = {
		domains: [{ id: 'default', name: 'Default' }],
		projects: [],
		users: [],
		roles: [{ id: 'role-admin', name: 'admin' }],
		services: [],
		endpoints: [],
	};
	readonly grants = new Set<string>();
	writes = 0;

	answer = (heard: Heard): Scripted => {
		const [list = '', id, ...rest] = heard.path.split('/').slice(2);
		if (heard.method !== 'GET' && heard.method !== 'HEAD') this.writes += 1;
		if (rest.length > 0) {
			if (heard.method === 'PUT') this.grants.add(heard.path);
			return { status: heard.method === 'PUT' || this.grants.has(heard.path) ? 204 : 404 };
		}
		const rows = this.rows[list] ?? [];
		const one = list.replace(/s$/, '');
		const body: Record<string, Record<string, unknown>> = JSON.parse(heard.text || '{}');
		if (heard.method === 'POST') {
			const row = { ...body[one], id: `${one}-${rows.length + 1}` };
			rows.push(row);
			return { status: 201, body: { [one]: row } };
		}
		if (heard.method === 'PATCH') {
			const at = rows.findIndex((row) => row.id === id);
			rows[at] = { ...rows[at], ...body[one], id: String(id) };
			return { status: 200, body: { [one]: rows[at] } };
		}
		const matching = rows.filter((row) => [...heard.query].every(([name, value]) => row[name] === value));
		return { status: 200, body: { [list]: matching } };
	};
}

async function world(t: TestContext) {
	const cloud = await new ScriptedCloud().start();
	const session = cloud.session();
	t.after(async () => {
		session.close();
		await cloud.stop();
	});
	const lists = new Lists();
	cloud.scripts['identity'] = lists.answer;
	return {
		lists,
		run: (changes: Partial<Registration> = {}) => register(new KeystoneClient(session), { ...registration, ...changes }, signal),
	};
}

describe('registration at Keystone', () => {
	test('makes what is missing, and nothing the second time', async (t) => {
		const { lists, run } = await world(t);
		const first = await run();
		assert.deepEqual(
			first.map(({ what, done }) => `${what}: ${done}`),
			[
				'project service: made',
				'user zun: made',
				'role admin: there',
				'role admin of user zun in project service: made',
				'role service: made',
				'role service of user zun in project service: made',
				'service zun of type container: made',
				'public endpoint http://public/v1: made',
				'internal endpoint http://internal/v1: made',
				'admin endpoint http://admin/v1: made',
			],
		);
		const { writes } = lists;
		const second = await run();
		assert.ok(second.every(({ done }) => done === 'there'));
		assert.equal(lists.writes, writes);
		assert.equal(lists.rows['users']?.[0]?.['password'], 'zun-password');
	});

	test('another URL changes the endpoint; another region gets its own', async (t) => {
		const { lists, run } = await world(t);
		await run();
		const changed = await run({ urls: { ...registration.urls, public: 'http://new/v1' } });
		assert.deepEqual(
			changed.filter(({ done }) => done !== 'there'),
			[{ what: 'public endpoint http://new/v1', done: 'changed' }],
		);
		assert.equal(lists.rows['endpoints']?.length, 3);
		await run({ region: 'two' });
		assert.equal(lists.rows['endpoints']?.length, 6);
		assert.equal(lists.rows['services']?.length, 1);
	});

	test('the entry of an older container service is used, not doubled', async (t) => {
		const { lists, run } = await world(t);
		lists.rows['services']?.push({ id: 'old', type: 'container', name: 'containers' });
		await run();
		assert.deepEqual(
			lists.rows['services']?.map(({ id }) => id),
			['old'],
		);
	});

	test('the image for servers is made once, and finished where that was broken off', async (t) => {
		const cloud = await new ScriptedCloud().start();
		const session = cloud.session();
		t.after(async () => {
			session.close();
			await cloud.stop();
		});
		const glance = new GlanceClient(session);
		const images: Record<string, unknown>[] = [];
		let failing = true;
		cloud.scripts['image'] = ({ method, path, body }) => {
			if (method === 'GET') return { status: 200, body: { images } };
			if (method === 'POST') {
				images.push({ ...Object(body), id: 'i', status: 'queued' });
				return { status: 201, body: images[0] };
			}
			assert.equal(path, '/v2/images/i/file');
			if (failing) return { status: 503 };
			images[0] = { ...images[0], status: 'active' };
			return { status: 204 };
		};
		await assert.rejects(ensureServerImage(glance, 'small', signal));
		failing = false;
		assert.deepEqual(await ensureServerImage(glance, 'small', signal), { what: 'image small', done: 'made' });
		assert.deepEqual(await ensureServerImage(glance, 'small', signal), { what: 'image small', done: 'there' });
		assert.equal(images.length, 1);
		assert.equal(images[0]?.['visibility'], 'public');
	});

	test('a domain that is not there is told', async (t) => {
		const { run } = await world(t);
		await assert.rejects(run({ userDomainName: 'Nowhere' }), /there is no domain Nowhere/);
	});
});
