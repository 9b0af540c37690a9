import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { collectBytes, readTar, type TarEntry, tarEntry, writeTar } from '../tar.ts';
import { allBytes, failsWith, idle, type Suite, streamOf } from './suite.ts';

const oddNames = [
	'plain',
	'with  spaces',
	`quotes'and"more`,
	'-dash',
	'ünïcödé-名前',
	'$HOME;*',
	'x'.repeat(200),
	'deep/er/file',
	'new\nline',
];

export function archiveTests(suite: Suite): void {
	const put = (id: string, path: string, entries: readonly TarEntry[]): Promise<void> =>
		suite.driver.containers.putArchive(id, path, streamOf(writeTar(entries)), suite.signal());
	const get = async (id: string, path: string): Promise<readonly TarEntry[]> => {
		const { tar } = await suite.driver.containers.getArchive(id, path, suite.signal());
		return readTar(await collectBytes(tar));
	};

	describe('archives', () => {
		for (const running of [true, false]) {
			test(`in and out with odd names, of a container that ${running ? 'runs' : 'has not started'}`, async (t) => {
				if (suite.cannot(t, 'archive')) return;
				const sandboxId = await suite.startSandbox(t);
				const id = await suite.createContainer(sandboxId, idle);
				if (running) await suite.driver.containers.start(id, suite.signal());
				const files = oddNames.map((name) => tarEntry(`odd/${name}`, { bytes: allBytes, mode: 0o640, mtime: 1_600_000_000 }));
				const folders = ['odd', 'odd/deep', 'odd/deep/er'].map((name) => tarEntry(name, { type: 'directory' }));
				const link = tarEntry('odd/link', { type: 'symlink', linkTarget: 'plain' });
				await put(id, '/tmp', [...folders, ...files, link]);
				const found = new Map((await get(id, '/tmp/odd')).map((entry) => [entry.path, entry]));
				assert.deepEqual([...found.keys()].sort(), [...folders, ...files, link].map(({ path }) => path).sort());
				for (const { path, bytes, mode, mtime } of files) {
					assert.deepEqual(Buffer.from(found.get(path)?.bytes ?? []), Buffer.from(bytes), path);
					assert.equal(found.get(path)?.mode, mode, path);
					assert.equal(found.get(path)?.mtime, mtime, path);
				}
				assert.equal(found.get('odd/link')?.linkTarget, 'plain');
				if (!running || !suite.driver.capabilities.exec) return;
				for (const name of oddNames) {
					const { stdout } = await suite.exec(id, ['cat', `/tmp/odd/${name}`]);
					assert.deepEqual(Buffer.from(stdout), Buffer.from(allBytes), name);
				}
			});
		}

		test('one file, and what is said of it', async (t) => {
			if (suite.cannot(t, 'archive')) return;
			const id = await suite.createContainer(await suite.startSandbox(t), idle);
			await put(id, '/tmp', [tarEntry('one', { bytes: Buffer.from('12345'), mode: 0o600, mtime: 1_600_000_000 })]);
			const { stat, tar } = await suite.driver.containers.getArchive(id, '/tmp/one', suite.signal());
			assert.equal(stat.name, 'one');
			assert.equal(stat.size, 5);
			assert.equal(stat.mode & 0o777, 0o600);
			assert.equal(Date.parse(stat.mtime), 1_600_000_000_000);
			const entries = readTar(await collectBytes(tar));
			assert.deepEqual(
				entries.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()]),
				[['one', '12345']],
			);
		});

		test('a file larger than any buffer', async (t) => {
			if (suite.cannot(t, 'archive')) return;
			const id = await suite.createContainer(await suite.startSandbox(t), idle);
			const bytes = Buffer.alloc(3_000_000, 'zunbox ');
			await put(id, '/tmp', [tarEntry('large', { bytes })]);
			const [entry] = await get(id, '/tmp/large');
			assert(Buffer.from(entry?.bytes ?? []).equals(bytes));
		});

		test('a path that is not there', async (t) => {
			if (suite.cannot(t, 'archive')) return;
			const id = await suite.createContainer(await suite.startSandbox(t), idle);
			await failsWith(suite.driver.containers.getArchive(id, '/no/such', suite.signal()), 'path-not-found');
			await failsWith(put(id, '/no/such', [tarEntry('x')]), 'path-not-found');
		});
	});

	describe('commit', () => {
		test('makes an image of the container with its files', async (t) => {
			if (suite.cannot(t, 'commit')) return;
			const sandboxId = await suite.startSandbox(t);
			const id = await suite.startContainer(sandboxId, ['sh', '-c', 'echo kept > /tmp/kept']);
			await suite.untilEnded(sandboxId, id);
			const repository = `zunbox/conformance-${id}`;
			const reference = `${repository}:made`;
			t.after(() => suite.driver.images.remove(reference, suite.signal()));
			const imageId = await suite.driver.containers.commit(id, repository, 'made', suite.signal());
			assert.equal((await suite.driver.images.inspect(reference, suite.signal()))?.id, imageId);
			const made = await suite.startContainer(sandboxId, ['cat', '/tmp/kept'], { image: reference });
			await suite.untilEnded(sandboxId, made);
			assert.equal((await suite.logs(made)).stdout.toString(), 'kept\n');
			await suite.driver.containers.remove(made, suite.signal());
		});
	});
}
