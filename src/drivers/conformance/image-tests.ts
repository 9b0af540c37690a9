import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { ImageState, PullRequest } from '../driver.ts';
import { collectBytes } from '../tar.ts';
import { LoopbackRegistry } from './loopback-registry.ts';
import { failsWith, type Suite, streamOf } from './suite.ts';

export function imageTests(suite: Suite): void {
	const temporary = (t: TestContext): string => {
		const reference = `zunbox/conformance-${randomUUID()}:made`;
		t.after(() => suite.driver.images.remove(reference, suite.signal()));
		return reference;
	};

	describe('images', () => {
		test('what is on the host is inspected and listed', async () => {
			const image = await suite.driver.images.inspect(suite.image, suite.signal());
			assert(image !== null);
			assert.match(image.id, /^sha256:[0-9a-f]{64}$/);
			assert(image.references.includes(suite.image) && image.size > 0 && image.architecture !== '');
			const listed = (await suite.driver.images.list(suite.signal())).find(({ id }) => id === image.id);
			assert(listed?.references.includes(suite.image));
			assert.equal((await suite.driver.images.inspect(image.id, suite.signal()))?.id, image.id);
		});

		test('what is not on the host', async () => {
			const reference = `zunbox/no-such-image:${randomUUID()}`;
			assert.equal(await suite.driver.images.inspect(reference, suite.signal()), null);
			await failsWith(suite.driver.images.tag(reference, 'zunbox/other:none', suite.signal()), 'image-not-found');
			await failsWith(collectBytes(suite.driver.images.save(reference, suite.signal())), 'image-not-found');
			await suite.driver.images.remove(reference, suite.signal());
		});

		test('a second name comes and goes, and the first one stays', async (t) => {
			const name = temporary(t);
			const { images } = suite.driver;
			const image = await images.inspect(suite.image, suite.signal());
			await images.tag(suite.image, name, suite.signal());
			await images.tag(suite.image, name, suite.signal());
			assert.equal((await images.inspect(name, suite.signal()))?.id, image?.id);
			await images.remove(name, suite.signal());
			await images.remove(name, suite.signal());
			assert.equal(await images.inspect(name, suite.signal()), null);
			assert.equal((await images.inspect(suite.image, suite.signal()))?.id, image?.id);
		});

		test('saved and loaded again, it is the same', async (t) => {
			const name = temporary(t);
			const { images } = suite.driver;
			await images.tag(suite.image, name, suite.signal());
			const { id } = (await images.inspect(name, suite.signal())) ?? {};
			const archive = await collectBytes(images.save(name, suite.signal()));
			await images.remove(name, suite.signal());
			assert.deepEqual(await images.load(streamOf(archive), suite.signal()), [name]);
			assert.equal((await images.inspect(name, suite.signal()))?.id, id);
		});

		test('what is no archive is refused', async () => {
			const bytes = Buffer.from('this is no archive of an image '.repeat(100));
			await failsWith(suite.driver.images.load(streamOf(bytes), suite.signal()), 'invalid', 'failed');
		});
	});

	describe('pulling', () => {
		let registry: LoopbackRegistry | null = null;
		before(async () => {
			if (suite.options.pull === undefined) registry = await LoopbackRegistry.start();
		});
		after(() => registry?.close());
		const names = (t: TestContext): { present: string; missing: string } | null => {
			const chosen = registry ?? suite.options.pull ?? null;
			if (chosen === null) t.skip('the driver has no registry');
			return chosen;
		};

		test('an image comes with its progress', async (t) => {
			const chosen = names(t);
			if (chosen === null) return;
			const { images } = suite.driver;
			if (registry !== null) t.after(() => images.remove(chosen.present, suite.signal()));
			const progress: { layersDone: number; layersTotal: number; bytesDone: number; bytesTotal: number }[] = [];
			const request = { reference: chosen.present, auth: null, onProgress: (step: (typeof progress)[number]) => void progress.push(step) };
			const image = await images.pull(request, suite.signal());
			assert(image.references.includes(chosen.present));
			assert.equal((await images.inspect(chosen.present, suite.signal()))?.id, image.id);
			for (const step of progress) assert(step.layersDone <= step.layersTotal && step.bytesDone <= step.bytesTotal, JSON.stringify(step));
			const last = progress.at(-1);
			assert(last !== undefined && last.layersTotal > 0 && last.layersDone === last.layersTotal, JSON.stringify(last));
			assert.equal((await images.pull({ reference: chosen.present, auth: null }, suite.signal())).id, image.id);
		});

		test('an image that does not exist', async (t) => {
			const chosen = names(t);
			if (chosen === null) return;
			await failsWith(suite.driver.images.pull({ reference: chosen.missing, auth: null }, suite.signal()), 'image-not-found');
			assert.equal(await suite.driver.images.inspect(chosen.missing, suite.signal()), null);
		});

		test('credentials that the registry wants', async (t) => {
			if (registry === null) return t.skip('the driver’s registry is not the suite’s');
			const right = { username: 'me', password: 'secret word' };
			const guarded = await LoopbackRegistry.start(right);
			const { present: reference } = guarded;
			const domain = reference.split('/')[0] ?? '';
			t.after(async () => {
				await suite.driver.images.remove(reference, suite.signal());
				await guarded.close();
			});
			const pull = (auth: PullRequest['auth']): Promise<ImageState> => suite.driver.images.pull({ reference, auth }, suite.signal());
			await failsWith(pull(null), 'unauthorized');
			await failsWith(pull({ domain, ...right, password: 'wrong' }), 'unauthorized');
			assert((await pull({ domain, ...right })).references.includes(reference));
		});

		test('a registry that is not there', async (t) => {
			if (registry === null) return t.skip('the driver’s registry is not the suite’s');
			const reference = '127.0.0.1:1/zunbox/nowhere:latest';
			await failsWith(suite.driver.images.pull({ reference, auth: null }, suite.signal()), 'unavailable');
		});
	});
}
