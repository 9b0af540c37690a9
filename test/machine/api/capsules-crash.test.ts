/** A service that is killed at each step of a capsule's life, and started again, ends where the user wanted it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { CrashClient, textOf } from '../../support/crash-client.ts';
import { CrashService } from '../../support/crash-service.ts';
import { containersOf, engineOk, ensureBusybox } from '../../support/docker.ts';
import { eventually } from '../../support/eventually.ts';
import { query } from '../../support/leaks.ts';

describe('a killed service and its capsules', { timeout: 600_000 }, () => {
	const service = new CrashService();
	const client = new CrashClient(service);
	let image: string;

	before(async () => {
		image = await ensureBusybox();
		await service.start();
		await client.login();
		await eventually('the host is up', async () => {
			const body = await client.ok('POST /v1/sandboxes', {});
			await client.ok(`DELETE /v1/sandboxes/${textOf(body, 'uuid')}`);
			return body['status'] !== 'Error';
		});
	});
	after(() => service.remove());

	const shell = (name: string, line: string) => ({ name, image, command: ['sh', '-c', `echo a start; ${line}`] });
	const template = (name: string) => ({
		kind: 'capsule',
		metadata: { name },
		spec: {
			restartPolicy: 'Never',
			initContainers: [shell('one', 'true'), shell('two', 'true')],
			containers: [{ ...shell('app', 'exec sleep 100000'), ports: [{ containerPort: 80 }] }, shell('other', 'exec sleep 100000')],
		},
	});

	/** As a client with patience asks: again after a death, until there is an answer. */
	async function patient(line: string, body: unknown, already: readonly number[], key?: string) {
		for (;;) {
			const answer = await client.call(line, body, key).catch(() => null);
			if (answer !== null && (answer.status < 300 || already.includes(answer.status))) return answer;
			assert.ok(answer === null || answer.status >= 500, `${line} gave ${answer?.status}: ${JSON.stringify(answer?.body)}`);
			if (!service.running) await service.start();
		}
	}

	async function reaches(id: string, status: string): Promise<void> {
		await eventually(
			`the capsule is ${status}`,
			async () => {
				if (!service.running) await service.start();
				const { body } = await client.call(`GET /v1/capsules/${id}`);
				assert.equal(body['status'], status, String(body['status_reason']));
				return true;
			},
			{ timeout: 90_000, interval: 100 },
		);
	}

	async function startsOf(id: string): Promise<Readonly<Record<string, number>>> {
		const members = (await containersOf(service.owner)).filter(({ Labels }) => Labels['zunbox.sandbox'] === id);
		const counts = members
			.filter(({ Labels }) => Labels['zunbox.kind'] !== 'sandbox')
			.map(async ({ Id, Labels }) => {
				const log = await engineOk('GET', `/containers/${Id}/logs?stdout=1`);
				return [Labels['zunbox.name'] ?? '', log.text.split('a start').length - 1] as const;
			});
		return Object.fromEntries(await Promise.all(counts));
	}

	for (const point of [
		'control.create-capsule.volumes-attached',
		'control.create-capsule.before-commit',
		'control.create-capsule.committed',
		'control.advance-capsule.written',
		'control.advance-capsule.written@2',
		'control.stop-capsule.before-commit',
		'control.stop-capsule.committed',
		'control.start-capsule.before-commit',
		'control.start-capsule.committed',
		'control.delete-capsule.before-commit',
		'control.delete-capsule.committed',
	]) {
		test(`killed at ${point}`, async () => {
			await service.end('SIGTERM');
			await service.start({ ZUNBOX_FAIL_POINT: point });
			const starts = service.starts;
			const name = `c${randomUUID().slice(0, 8)}`;
			const made = await patient('POST /v1/capsules', { template: template(name) }, [], randomUUID());
			const id = textOf(made.body, 'uuid');
			await reaches(id, 'Running');
			const run = (times: number) => ({
				[`capsule-${name}-one`]: 1,
				[`capsule-${name}-two`]: 1,
				[`capsule-${name}-app`]: times,
				[`capsule-${name}-other`]: times,
			});
			assert.deepEqual(await eventually('all have spoken', () => spoken(id, 1)), run(1));
			if (/(stop|start)-capsule/.test(point)) {
				await patient(`POST /v1/capsules/${id}/stop`, { timeout: 0 }, [409]);
				await reaches(id, 'Stopped');
				await patient(`POST /v1/capsules/${id}/start`, {}, [409]);
				await reaches(id, 'Running');
				assert.deepEqual(await eventually('the containers have spoken again', () => spoken(id, 2)), run(2));
			}
			await patient(`DELETE /v1/capsules/${id}`, undefined, [404]);
			await eventually(
				'it is gone',
				async () => {
					if (!service.running) await service.start();
					return (await client.call(`GET /v1/capsules/${id}`)).status === 404;
				},
				{ timeout: 90_000 },
			);
			assert.ok(service.starts > starts, 'it was killed');
			assert.deepEqual(
				(await containersOf(service.owner)).map(({ Names }) => Names),
				[],
			);
			for (const table of ['capsule', 'sandbox', 'container', 'claim', 'port', 'port_ip']) {
				assert.deepEqual(query(service.database, `select * from ${table}`), [], table);
			}
			const open = "select kind from operation where state in ('queued', 'running')";
			assert.deepEqual(query(service.database, open), []);
		});
	}

	/** How often each has started, when the last of them has so often. */
	async function spoken(id: string, times: number): Promise<Readonly<Record<string, number>> | null> {
		const counts = await startsOf(id);
		return Object.entries(counts).every(([name, count]) => count === (/-(one|two)$/.test(name) ? 1 : times)) ? counts : null;
	}
});
