/** `zunbox doctor` beside a whole cloud, and with parts of it taken away. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import type { DaemonName } from './cloud/daemons.ts';
import { CloudWorld } from './support/world.ts';

const program = path.join(import.meta.dirname, '../../bin/zunbox');

interface Seen {
	readonly code: number;
	readonly outcomes: ReadonlyMap<string, string>;
	/** What failed, with what was found. */
	readonly failed: readonly string[];
}

describe('zunbox doctor in a cloud', () => {
	let world: CloudWorld;
	before(async () => {
		world = await CloudWorld.start();
	});
	after(() => world.remove());

	/** Runs it with the settings of the service that runs. */
	async function examine(): Promise<Seen> {
		const environment = readFileSync(`/proc/${world.service.pid}/environ`, 'utf8').split('\0');
		const env = Object.fromEntries(
			environment.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]).filter(([name]) => name !== ''),
		);
		const { code, out } = await new Promise<{ code: number; out: string }>((resolve) => {
			execFile(program, ['doctor', '-o', 'json'], { env, timeout: 120_000 }, (error, stdout) =>
				resolve({ code: error === null ? 0 : Number(error.code), out: stdout }),
			);
		});
		const { checks } = JSON.parse(out);
		const rows: { name: string; outcome: string; found: string; advice: string | null }[] = checks;
		for (const { outcome, advice } of rows) assert.equal(outcome === 'failed' || outcome === 'warning', advice !== null);
		return {
			code,
			outcomes: new Map(rows.map(({ name, outcome }) => [name, outcome])),
			failed: rows.filter(({ outcome }) => outcome === 'failed').map(({ name, found }) => `${name}: ${found}`),
		};
	}

	test('all is well', async () => {
		const { code, outcomes, failed } = await examine();
		assert.deepEqual(failed, []);
		assert.equal(code, 0);
		for (const name of ['keystone: login', 'nova: driver', 'nova: image', 'neutron: agent', 'cinder: permission', 'glance: permission']) {
			assert.equal(outcomes.get(name), 'ok', name);
		}
	});

	for (const [name, check] of [
		['nova-api', 'nova: permission'],
		['neutron', 'neutron: permission'],
		['glance', 'nova: image'],
		['cinder-api', 'cinder: permission'],
	] as const satisfies readonly (readonly [DaemonName, string])[]) {
		test(`${name} is away`, async () => {
			await world.daemons.stop(name);
			try {
				const { code, outcomes, failed } = await examine();
				assert.equal(code, 1);
				assert.equal(outcomes.get(check), 'failed', failed.join('\n'));
				assert.equal(outcomes.get('keystone: permission'), 'ok');
			} finally {
				world.daemons.start(name);
				await eventually(`${name} is back`, async () => (await examine()).outcomes.get(check) === 'ok', { timeout: 90_000, interval: 500 });
			}
		});
	}

	test('Keystone is away', async () => {
		await world.daemons.stop('keystone');
		try {
			const { code, outcomes } = await examine();
			assert.equal(code, 1);
			assert.equal(outcomes.get('keystone: login'), 'failed');
			assert.equal(outcomes.get('nova: driver'), 'skipped');
			assert.equal(outcomes.get('engine'), 'ok');
		} finally {
			world.daemons.start('keystone');
			await world.daemonsAreUp();
		}
	});

	test('the service user has lost a role', async () => {
		const { account } = world.admin;
		const find = async (request: string, list: string) => String((await account.list('keystone', request, list))[0]?.['id']);
		const [user, project, role] = [
			await find('GET /users?name=zun', 'users'),
			await find('GET /projects?name=service', 'projects'),
			await find('GET /roles?name=admin', 'roles'),
		];
		const grant = `/projects/${project}/users/${user}/roles/${role}`;
		await account.ok('keystone', `DELETE ${grant}`);
		try {
			const { code, failed } = await examine();
			assert.equal(code, 1);
			assert.ok(
				failed.some((line) => /^keystone: roles: zun has no role admin/.test(line)),
				failed.join('\n'),
			);
			for (const refusal of [
				'nova: permission: may not see the servers of every project',
				"neutron: permission: may not work with every project's ports",
			]) {
				assert.ok(failed.includes(refusal), failed.join('\n'));
			}
		} finally {
			await account.ok('keystone', `PUT ${grant}`);
		}
	});
});
