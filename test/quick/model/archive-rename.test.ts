import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { makeImageArchive } from '../../../src/drivers/images/image-archive.ts';
import { collectBytes, readTar, type TarEntry, tarEntry, writeTar } from '../../../src/drivers/tar.ts';
import { renameArchive, WrongDataError } from '../../../src/model/archive-rename.ts';
import type { DataHash } from '../../../src/model/image-source.ts';
import { paddingOf, readTarHeader, TarError, tarBlock } from '../../../src/model/tar-header.ts';

const reference = 'zunbox.local/glance/image:123456789abc';
const parameters = { architecture: 'amd64', entrypoint: null, command: ['sh'], environment: [], labels: {} } as const;
const image = makeImageArchive({ ...parameters, files: [tarEntry('etc/hello', { bytes: Buffer.from('hello') })] }, 'nginx:latest');

function json(value: unknown): Buffer {
	return Buffer.from(JSON.stringify(value));
}

function hashOf(bytes: Uint8Array): DataHash {
	return { algorithm: 'sha512', value: createHash('sha512').update(bytes).digest('hex') };
}

async function* pieces(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
	for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** What an engine is given, and the image's id. */
async function renamed(bytes: Uint8Array, hash: DataHash | null = hashOf(bytes), size?: number) {
	let id = '';
	const archive = renameArchive(pieces(bytes, size), { reference, hash, onImage: (found) => (id = found) });
	const entries = readTar(await collectBytes(archive));
	const last = entries.at(-1);
	assert.equal(last?.path, 'manifest.json');
	const [listed, ...others]: { Config: string; RepoTags: string[]; Layers: string[] }[] = JSON.parse(
		Buffer.from(last?.bytes ?? []).toString(),
	);
	assert.ok(listed !== undefined && others.length === 0);
	const content = (name: string) => Buffer.from(entries.find(({ path }) => path === name)?.bytes ?? []);
	return { id, entries, listed, config: content(listed.Config), layers: listed.Layers.map(content) };
}

/** The archive's entries, with some in another form. */
function changed(change: (entries: TarEntry[]) => readonly TarEntry[]): Buffer {
	return writeTar(change([...readTar(image.tar)]));
}

const list = readTar(image.tar).find(({ path }) => path === 'manifest.json');
const listed: { Config: string; Layers: string[] } = JSON.parse(Buffer.from(list?.bytes ?? []).toString())[0];

describe('an image’s archive under another name', () => {
	test('has its content and no name but that one, wherever its list stands and in whatever pieces it comes', async () => {
		const lists = [
			image.tar,
			changed((entries) => [
				...entries.filter(({ path }) => path === 'manifest.json'),
				...entries.filter(({ path }) => path !== 'manifest.json'),
			]),
		];
		await fc.assert(
			fc.asyncProperty(fc.constantFrom(...lists), fc.integer({ min: 1, max: 5000 }), async (tar, size) => {
				const result = await renamed(tar, hashOf(tar), size);
				assert.deepEqual(result.listed.RepoTags, [reference]);
				assert.equal(result.id, image.id);
				assert.equal(`sha256:${createHash('sha256').update(result.config).digest('hex')}`, image.id);
				assert.equal(result.layers.length, 1);
				assert.ok(result.layers[0]?.includes('hello'));
				assert.ok(result.entries.every(({ path, type }) => type === 'file' && /^(part-\d+|manifest\.json)$/.test(path)));
			}),
			{ numRuns: 30 },
		);
	});

	test('says nothing of what else named it', async () => {
		const names = [
			tarEntry('repositories', { bytes: json({ nginx: { latest: 'x' } }) }),
			tarEntry('a/b/manifest.json', { bytes: json([{ Config: 'x', RepoTags: ['nginx:latest'], Layers: [] }]) }),
			tarEntry('oci-layout.', { bytes: json({}) }),
		];
		const { entries, listed: now } = await renamed(changed((all) => [...names, ...all]));
		assert.deepEqual(now.RepoTags, [reference]);
		assert.ok(entries.every(({ path }) => /^(part-\d+|manifest\.json)$/.test(path)));
	});

	test('follows links of layers, as older engines write them, and through folders up and down', async () => {
		const linked = changed((entries) => [
			...entries.filter(({ path }) => path !== 'manifest.json'),
			tarEntry('one/two/layer.tar', { type: 'symlink', linkTarget: `../../${listed.Layers[0]}` }),
			tarEntry('./manifest.json', {
				bytes: json([{ ...listed, RepoTags: null, Layers: ['one/./two/layer.tar', `/${listed.Layers[0]}`] }]),
			}),
		]);
		const { layers, listed: now } = await renamed(linked);
		assert.ok(layers.length === 2 && layers.every((layer) => layer.includes('hello')));
		assert.equal(now.Layers[0], now.Layers[1]);
	});

	const refused: Record<string, readonly [Buffer, RegExp]> = {
		'two lists': [changed((all) => [...all, tarEntry('x/../manifest.json', { bytes: json([]) })]), /manifest\.json twice/],
		'a list that is a link': [
			changed((all) => [
				...all.filter(({ path }) => path !== 'manifest.json'),
				tarEntry('manifest.json', { type: 'symlink', linkTarget: 'x' }),
			]),
			/manifest\.json is a link/,
		],
		'no list': [changed((all) => all.filter(({ path }) => path !== 'manifest.json')), /no manifest\.json/],
		'several images': [
			changed((all) => [
				...all.filter(({ path }) => path !== 'manifest.json'),
				tarEntry('manifest.json', { bytes: json([listed, listed]) }),
			]),
			/exactly one image/,
		],
		'a file twice': [changed((all) => [...all, tarEntry('x', { bytes: json(1) }), tarEntry('./x', { bytes: json(2) })]), /x twice/],
		'a missing layer': [
			changed((all) => [
				...all.filter(({ path }) => path !== 'manifest.json'),
				tarEntry('around', { type: 'symlink', linkTarget: 'around' }),
				tarEntry('manifest.json', { bytes: json([{ ...listed, Layers: ['around'] }]) }),
			]),
			/around, of which its image is made, is not in it/,
		],
		'no JSON': [
			changed((all) => [...all.filter(({ path }) => path !== 'manifest.json'), tarEntry('manifest.json', { bytes: Buffer.from('[') })]),
			/is not JSON/,
		],
		'a list without its content': [
			changed((all) => [
				...all.filter(({ path }) => path !== 'manifest.json'),
				tarEntry('manifest.json', { bytes: json([{ Config: 1 }]) }),
			]),
			/does not say what its image is made of/,
		],
		'a compressed archive': [Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), Buffer.alloc(1000)]), /is compressed/],
		nothing: [Buffer.alloc(0), /is empty/],
		'what is no archive': [Buffer.from('this is no archive of an image '.repeat(100)), /checksum|number in a header/],
	};
	for (const [what, [bytes, expected]] of Object.entries(refused)) {
		test(`is not made of ${what}`, async () => {
			await assert.rejects(renamed(bytes), (error) => error instanceof TarError && expected.test(error.message));
		});
	}

	test('has no list, so that no engine takes it, when it is broken off or not what its checksum says', async () => {
		const broken = async (bytes: Uint8Array, hash: DataHash) => {
			const given: Uint8Array[] = [];
			const run = async () => {
				for await (const piece of renameArchive(pieces(bytes), { reference, hash })) given.push(piece);
			};
			await assert.rejects(run, (error) => error instanceof TarError || error instanceof WrongDataError);
			assert.ok(!Buffer.concat(given).includes('manifest.json'));
		};
		const whole = hashOf(image.tar);
		await broken(image.tar, { ...whole, value: whole.value.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) });
		await broken(Buffer.concat([image.tar, Buffer.from('more')]), whole);
		for (const length of [image.tar.length - 1, image.tar.length - 2000, 700, 512, 100]) await broken(image.tar.subarray(0, length), whole);
	});

	test('passes on a layer of any size as it comes', async () => {
		const size = 9 * 2 ** 30;
		const [header] = [writeTar([tarEntry('layer.tar')]).subarray(0, tarBlock)];
		header.writeUInt8(0x80, 124);
		header.fill(0, 125, 136);
		header.writeUIntBE(size, 130, 6);
		header.fill(0x20, 148, 156);
		const sum = header.reduce((total, byte) => total + byte, 0);
		header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
		let read = 0;
		let ended = false;
		const source = async function* () {
			try {
				yield header;
				for (;;) {
					read += 65536;
					yield Buffer.alloc(65536);
				}
			} finally {
				ended = true;
			}
		};
		const result = renameArchive(source(), { reference, hash: null });
		const first = await result.next();
		assert.ok(!first.done);
		assert.deepEqual([readTarHeader(Buffer.from(first.value)).size, read], [size, 0]);
		let given = 0;
		for (let pulls = 0; pulls < 100; pulls += 1) {
			const { value } = await result.next();
			given += value?.length ?? 0;
			assert.ok(read - given <= 65536, 'nothing is kept');
		}
		await result.return(undefined);
		assert.ok(ended, 'its source is let go');
		assert.equal(paddingOf(size), 0);
	});
});
