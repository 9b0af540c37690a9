/** Files in and out of real containers, and images made of them: limits, and paths that try to get out. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createDriver } from '../../../src/drivers/docker/index.ts';
import type { Driver } from '../../../src/drivers/driver.ts';
import { readTar, type TarEntry, tarEntry, writeTar } from '../../../src/drivers/tar.ts';
import { at } from '../../support/api-client.ts';
import { engineOk, ensureBusybox, removeImage, sweepOwner, testOwner } from '../../support/docker.ts';
import { type StreamWorld, startStreamWorld, textOf } from '../../support/stream-world.ts';

const limit = 1024 * 1024;

describe('archives and commits on Docker', { timeout: 240_000 }, () => {
	const owner = testOwner();
	let folder: string;
	let driver: Driver;
	let world: StreamWorld;
	let id: string;
	before(async () => {
		folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-archives-'));
		driver = await createDriver({ owner, stateDirectory: folder, settings: {} });
		world = await startStreamWorld(driver, await ensureBusybox(), { archiveLimit: limit });
		id = await world.run({ command: ['sleep', '1000'] });
	});
	after(async () => {
		await world?.close();
		await driver?.close();
		await sweepOwner(owner);
		await rm(folder, { recursive: true, force: true });
	});

	const run = async (script: string): Promise<string> => {
		const query = new URLSearchParams({ command: `sh -c '${script}'` });
		return textOf(await world.send(`POST /v1/containers/${id}/execute?${query}`), 'output');
	};
	const get = (where: string) => world.send(`GET /v1/containers/${id}/get_archive?path=${encodeURIComponent(where)}`);
	const put = (where: string, entries: readonly TarEntry[]) =>
		world.send(`POST /v1/containers/${id}/put_archive?path=${encodeURIComponent(where)}`, {
			body: { data: writeTar(entries).toString('base64') },
		});
	const entriesOf = (answer: Awaited<ReturnType<typeof get>>) => readTar(Buffer.from(textOf(answer, 'data'), 'base64'));

	test('what is put is there, and comes back', async () => {
		const entries = [
			tarEntry('kept', { type: 'directory' }),
			tarEntry('kept/note', { bytes: Buffer.from('hello'), mode: 0o640 }),
			tarEntry('kept/link', { type: 'symlink', linkTarget: 'note' }),
		];
		assert.equal((await put('/tmp', entries)).status, 200);
		assert.equal(await run('cat /tmp/kept/link; stat -c %a /tmp/kept/note'), 'hello640\n');
		const back = await get('/tmp/kept');
		assert.deepEqual([at(back.body, 'stat', 'name'), back.status], ['kept', 200]);
		assert.deepEqual(
			entriesOf(back)
				.map(({ path: name, linkTarget }) => `${name} ${linkTarget}`)
				.sort(),
			['kept ', 'kept/link note', 'kept/note '],
		);
	});

	test('paths that are not there, or no folder, are 400', async () => {
		for (const answer of [await get('/nothing'), await put('/nothing', [tarEntry('a')]), await put('/bin/sh', [tarEntry('a')])]) {
			assert.equal(answer.status, 400, answer.text);
		}
	});

	test('a path of dots, or through a link to the root, reads the container and not the host', async () => {
		await run('echo inside > /etc/mark; ln -sfn / /tmp/root; ln -sfn ../../../../../../../.. /tmp/up');
		for (const where of ['/../../../../../../etc/mark', '../../../etc/mark', '/tmp/root/etc/mark', '/tmp/up/etc/mark']) {
			const answer = await get(where);
			assert.equal(answer.status, 200, `${where}: ${answer.text}`);
			assert.deepEqual(
				entriesOf(answer).map(({ bytes }) => Buffer.from(bytes).toString()),
				['inside\n'],
			);
		}
		// Dots are taken away before links are followed.
		assert.equal((await get('/tmp/up/../etc/mark')).status, 400);
		// Names that the host has and the container has not.
		assert.equal((await get('/tmp/root/boot')).status, 400);
		assert.equal((await get(folder)).status, 400);
	});

	test('a tar whose names or links lead out writes nothing outside of the container', async () => {
		const name = path.basename(await mkdtemp(path.join(folder, 'target-')));
		const target = path.join(folder, name);
		const evil = { bytes: Buffer.from('evil') };
		const attempts: readonly (readonly TarEntry[])[] = [
			[tarEntry(`../../../../../../../../../..${target}/dots`, evil)],
			[tarEntry(`${target}/absolute`, evil)],
			[tarEntry('out', { type: 'symlink', linkTarget: target }), tarEntry('out/absolute-link', evil)],
			[tarEntry('up', { type: 'symlink', linkTarget: `../../../../../../../..${target}` }), tarEntry('up/relative-link', evil)],
			[
				tarEntry('a', { type: 'directory' }),
				tarEntry('a/b', { type: 'symlink', linkTarget: '/' }),
				tarEntry(`a/b${target}/two-steps`, evil),
			],
		];
		for (const entries of attempts) {
			const answer = await put('/tmp', entries);
			assert.ok([200, 400].includes(answer.status), `${answer.status} ${answer.text}`);
		}
		await run(`mkdir -p /tmp/links; ln -sfn ${target} /tmp/links/made-inside`);
		const through = await put('/tmp/links/made-inside', [tarEntry('through-link', evil)]);
		assert.notEqual(through.status, 500);
		assert.deepEqual(await readdir(target), []);
		assert.ok(!existsSync('/tmp/dots') && !existsSync(path.join('/', name)));
	});

	test('what is no tar is refused, and the container is as before', async () => {
		const answer = await world.send(`POST /v1/containers/${id}/put_archive?path=/tmp`, {
			body: { data: Buffer.from('x'.repeat(2000)).toString('base64') },
		});
		assert.ok(answer.status >= 400 && answer.status !== 500, `${answer.status} ${answer.text}`);
		assert.equal(await run('echo fine'), 'fine\n');
	});

	test('beyond the limit: 413 with the limit, both ways', async () => {
		const large = await put('/tmp', [tarEntry('large', { bytes: Buffer.alloc(limit) })]);
		assert.equal(large.status, 413);
		assert.match(large.text, new RegExp(String(limit)));
		await run('head -c 3000000 /dev/zero > /tmp/big');
		const big = await get('/tmp/big');
		assert.equal(big.status, 413);
		assert.match(big.text, new RegExp(String(limit)));
		assert.equal((await put('/tmp', [tarEntry('fits', { bytes: Buffer.alloc(limit - 10_000) })])).status, 200);
		assert.equal((await get('/tmp/fits')).status, 200);
	});

	test('a folder beyond the limit never ends as if it were whole', async () => {
		await run('mkdir -p /tmp/many; for n in 1 2 3 4; do head -c 400000 /dev/zero > /tmp/many/$n; done');
		const answer = await get('/tmp/many').catch(() => null);
		assert.ok(answer === null || answer.status === 413, `${answer?.status}`);
	});

	test('commit makes an image of what is there', async () => {
		await run('echo committed > /root-note');
		const answer = await world.send(`POST /v1/containers/${id}/commit?repository=${owner}&tag=kept`);
		assert.equal(answer.status, 202, answer.text);
		const image = textOf(answer, 'uuid');
		try {
			const inspected: unknown = (await engineOk('GET', `/images/${image}/json`)).json();
			assert.match(String(at(inspected, 'RepoTags', 0)), new RegExp(`${owner}:kept$`));
			assert.equal(textOf(await world.send(`GET /v1/containers/${id}`), 'status'), 'Running');
		} finally {
			await removeImage(image);
		}
		for (const bad of ['Upper', 'a b', '../x', 'x;y', '-x']) {
			const refused = await world.send(`POST /v1/containers/${id}/commit?repository=${encodeURIComponent(bad)}`);
			assert.ok(refused.status >= 400 && refused.status < 500, `${bad}: ${refused.status} ${refused.text}`);
		}
	});
});
