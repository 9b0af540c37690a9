/** What the Docker Engine makes of the archives of an image service: of hostile ones as well. */
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { ArchiveLoader } from '../../../src/agent/images/archive-loader.ts';
import { createDriver } from '../../../src/drivers/docker/index.ts';
import { type Driver, DriverError } from '../../../src/drivers/driver.ts';
import { hostArchitecture, type ImageArchive, makeImageArchive } from '../../../src/drivers/images/image-archive.ts';
import { collectBytes, readTar, type TarEntry, tarEntry, writeTar } from '../../../src/drivers/tar.ts';
import { renameArchive } from '../../../src/model/archive-rename.ts';
import { type ImageSource, sourceReference } from '../../../src/model/image-source.ts';
import { testOwner } from '../../support/docker.ts';

const signal = (): AbortSignal => AbortSignal.timeout(120_000);
/** Taken by somebody on this engine, and by nobody else: files may run beside one another. */
const taken = `zunbox.test/taken-${randomUUID()}:latest`;
/** What nobody has on this engine. */
const free = `zunbox.test/free-${randomUUID()}:latest`;

/** An image that no other test has. */
function imageOf(name: string): ImageArchive {
	const files = [tarEntry('content', { bytes: randomBytes(3000) })];
	return makeImageArchive(
		{ architecture: hostArchitecture(), files, entrypoint: null, command: ['/content'], environment: [], labels: {} },
		name,
	);
}

function sourceOf(archive: Uint8Array): ImageSource {
	return {
		imageId: randomUUID(),
		hash: { algorithm: 'sha512', value: createHash('sha512').update(archive).digest('hex') },
		size: archive.length,
	};
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
	for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
}

describe('archives of an image service on Docker', () => {
	let folder: string;
	let driver: Driver;
	const victim = imageOf(taken);

	before(async () => {
		folder = await mkdtemp(path.join(tmpdir(), 'zunbox-archives-'));
		driver = await createDriver({ owner: testOwner(), stateDirectory: folder, settings: {} });
		await driver.images.load(pieces(victim.tar), signal());
	});
	after(async () => {
		for (const name of [taken, free]) await driver.images.remove(name, signal());
		await driver.close();
		await rm(folder, { recursive: true });
	});

	const load = async (t: TestContext, bytes: Uint8Array, source = sourceOf(bytes)) => {
		const reference = sourceReference(source);
		t.after(() => driver.images.remove(reference, signal()));
		const loader = new ArchiveLoader({ hostname: () => 'here', link: { image: async () => pieces(bytes) }, images: driver.images });
		return { reference, state: await loader.load({ reference, source, onProgress: () => {} }, signal()) };
	};
	const namesAreUntouched = async () => {
		assert.equal((await driver.images.inspect(taken, signal()))?.id, (await driver.images.inspect(victim.id, signal()))?.id);
		assert.equal(await driver.images.inspect(free, signal()), null);
	};

	test('have the name that they are given, and none of those that they give themselves', async (t) => {
		const hostile = imageOf(taken);
		const entries = readTar(hostile.tar);
		const named = (RepoTags: readonly string[]): TarEntry => {
			const list = entries.find((entry) => entry.path === 'manifest.json');
			const [image]: object[] = JSON.parse(Buffer.from(list?.bytes ?? []).toString());
			return tarEntry('manifest.json', { bytes: Buffer.from(JSON.stringify([{ ...image, RepoTags }])) });
		};
		const others = entries.filter((entry) => entry.path !== 'manifest.json');
		const repositories = tarEntry('repositories', {
			bytes: Buffer.from(
				JSON.stringify({ [free.split(':')[0] ?? '']: { latest: 'blobs' }, [taken.split(':')[0] ?? '']: { latest: 'blobs' } }),
			),
		});
		const archives = [
			writeTar([...others, repositories, named([taken, free])]),
			writeTar([named([taken, free]), repositories, ...others]),
			writeTar([tarEntry('here', { type: 'symlink', linkTarget: '.' }), ...others, named([free]), repositories]),
		];
		for (const bytes of archives) {
			const { reference, state } = await load(t, bytes);
			assert.equal(state.id, hostile.id);
			assert.ok(state.references.includes(reference));
			assert.ok(!state.references.some((name) => name === taken || name === free));
			await namesAreUntouched();
		}
		// The bare archive would have taken them: it is not the engine that refuses.
		await driver.images.load(pieces(archives[0] ?? new Uint8Array()), signal());
		assert.equal((await driver.images.inspect(free, signal()))?.id, hostile.id);
		await driver.images.remove(free, signal());
		await driver.images.load(pieces(victim.tar), signal());
	});

	test('leave nothing when they are wrong, broken off or none', async (t) => {
		const image = imageOf(free);
		const right = sourceOf(image.tar);
		const nothingIsLeft = async () => {
			assert.equal(await driver.images.inspect(sourceReference(right), signal()), null);
			assert.equal(await driver.images.inspect(image.id, signal()), null);
			await namesAreUntouched();
		};
		const fails = async (bytes: Uint8Array, code: string, text: RegExp, source = right) => {
			await assert.rejects(
				load(t, bytes, source),
				(error) => error instanceof DriverError && error.code === code && text.test(error.message),
			);
			await nothingIsLeft();
		};
		await fails(image.tar.subarray(0, image.tar.length - 3000), 'unavailable', /not what its checksum says/);
		const wrong = { ...right, hash: { ...right.hash, value: right.hash.value.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')) } };
		await fails(image.tar, 'unavailable', /not what its checksum says/, wrong);
		const text = Buffer.from('this is no archive of an image '.repeat(100));
		await fails(text, 'invalid', /cannot be run/, sourceOf(text));
		// A layer that is not what the configuration says.
		const spoiled = writeTar(
			readTar(image.tar).map((entry) =>
				entry.bytes.length > 3000 ? { ...entry, bytes: Buffer.from(entry.bytes).fill(7, 600, 700) } : entry,
			),
		);
		await assert.rejects(load(t, spoiled), DriverError);
		await nothingIsLeft();
	});

	test('that the engine saved are taken again by it, named as they are to be', async (t) => {
		const saved = renameArchive(driver.images.save(taken, signal()), { reference: 'shop/web:2', hash: null });
		const archive = await collectBytes(saved);
		assert.ok(archive.includes('"RepoTags":["shop/web:2"]') && !archive.includes('zunbox.test'));
		const { state } = await load(t, archive);
		assert.equal(state.id, victim.id);
		await namesAreUntouched();
	});

	test('pass through in pieces, however large they are', async (t) => {
		const megabytes = 300;
		const piece = Buffer.alloc(1 << 20);
		const header = (name: string, size: number): Buffer => {
			const block = writeTar([tarEntry(name)]).subarray(0, 512);
			block.write(size.toString(8).padStart(11, '0'), 124);
			block.fill(0x20, 148, 156);
			const sum = block.reduce((total, byte) => total + byte, 0);
			block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
			return block;
		};
		const layerSize = 512 + megabytes * piece.length + 1024;
		const layer = async function* (): AsyncGenerator<Uint8Array> {
			yield header('large', megabytes * piece.length);
			for (let sent = 0; sent < megabytes; sent += 1) yield piece;
			yield Buffer.alloc(1024);
		};
		const digest = createHash('sha256');
		for await (const bytes of layer()) digest.update(bytes);
		const config = Buffer.from(
			JSON.stringify({
				...{ architecture: hostArchitecture(), os: 'linux', config: { Labels: { test: randomUUID() } } },
				rootfs: { type: 'layers', diff_ids: [`sha256:${digest.digest('hex')}`] },
			}),
		);
		const list = Buffer.from(JSON.stringify([{ Config: 'config.json', RepoTags: [free], Layers: ['layer.tar'] }]));
		const archive = async function* (): AsyncGenerator<Uint8Array> {
			yield header('layer.tar', layerSize);
			yield* layer();
			yield writeTar([tarEntry('config.json', { bytes: config }), tarEntry('manifest.json', { bytes: list })]);
		};
		const hash = createHash('md5');
		for await (const bytes of archive()) hash.update(bytes);
		const source = { imageId: randomUUID(), hash: { algorithm: 'md5', value: hash.digest('hex') }, size: null };
		const reference = sourceReference(source);
		t.after(() => driver.images.remove(reference, signal()));
		const before = process.memoryUsage.rss();
		let highest = before;
		const loader = new ArchiveLoader({ hostname: () => 'here', link: { image: async () => archive() }, images: driver.images });
		const onProgress = (): void => {
			highest = Math.max(highest, process.memoryUsage.rss());
		};
		const state = await loader.load({ reference, source, onProgress }, signal());
		assert.equal(state.id, `sha256:${createHash('sha256').update(config).digest('hex')}`);
		assert.ok(highest - before < 150 << 20, `${(highest - before) >> 20} MiB`);
		t.diagnostic(`memory grew by ${(highest - before) >> 20} MiB for ${megabytes} MiB`);
	});
});
