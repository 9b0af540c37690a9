/** What clients see of images in Glance. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { defaultImageServiceOptions } from '../../../../src/control/image-service/image-service.ts';
import { GlanceClient } from '../../../../src/openstack/glance.ts';
import type { Session } from '../../../../src/openstack/session.ts';
import { GlanceImages } from '../../../../src/providers/image/glance/glance-images.ts';
import { type AdminApi, startAdminApi } from '../../../support/admin-api.ts';
import { ask, at } from '../../../support/api-client.ts';
import { hostFacts } from '../../../support/control.ts';
import { ScriptedCloud } from '../../../support/openstack/scripted-cloud.ts';
import { ScriptedGlance } from '../../../support/openstack/scripted-glance.ts';

const user = { token: 'member:project-a', version: 'latest' };
const id = '6f5a0e7c-1111-4222-8333-944455556666';

describe('images of Glance', () => {
	let cloud: ScriptedCloud;
	let session: Session;
	let world: AdminApi;

	before(async () => {
		cloud = await new ScriptedCloud().start();
		session = cloud.session();
		const glance = new ScriptedGlance(cloud);
		glance.projects.set(user.token, 'project-a').set('reader:project-b', 'project-b');
		glance.add({ id, name: '127.0.0.1:5000/web', owner: 'project-a', tags: ['1'], data: Buffer.from('archive') });
		glance.add({ id: id.replace('6', '7'), name: 'other', owner: 'project-b', data: Buffer.from('other') });
		const imageService = { provider: new GlanceImages(new GlanceClient(session)), options: defaultImageServiceOptions };
		world = await startAdminApi({ deps: () => ({ imageService }), api: { forbiddenRegistries: ['127.0.0.0/8'] } });
		await world.control.link.register(hostFacts('h1'));
	});
	after(async () => {
		await world?.close();
		session?.close();
		await cloud?.stop();
	});

	test('are found by those who may see them, in Glance’s words', async () => {
		const search = async (token: string, name: string, query = '') =>
			(await ask(world.api, `GET /v1/images/${name}/search?image_driver=glance${query}`, { ...user, token })).body;
		assert.deepEqual(await search(user.token, 'web'), [
			{
				...{ id, name: '127.0.0.1:5000/web', tags: ['1'], status: 'active', size: 7, owner: 'project-a' },
				...{ container_format: 'docker', disk_format: 'raw', visibility: 'private', updated_at: '2030-01-01 00:00:00', metadata: {} },
			},
		]);
		assert.deepEqual(await search('reader:project-b', 'web'), []);
		assert.deepEqual(await search(user.token, 'web', '&exact_match=true'), []);
		assert.equal(at(await search(user.token, '127.0.0.1:5000/web', '&exact_match=true'), 0, 'id'), id);
		assert.equal(at(await search('reader:project-b', 'oth'), 0, 'name'), 'other');
	});

	test('are named without regard to what registries are named', async () => {
		const create = (image: string, image_driver: string, token = user.token) =>
			ask(world.api, 'POST /v1/containers', { ...user, token, body: { image, image_driver } });
		const made = await create('127.0.0.1:5000/web', 'glance');
		assert.equal(made.status, 202, made.text);
		assert.deepEqual([at(made.body, 'image'), at(made.body, 'image_driver')], ['127.0.0.1:5000/web', 'glance']);
		assert.equal((await create('127.0.0.1:5000/web', 'docker')).status, 403);
		const unknown = await create('nothing', 'glance');
		assert.deepEqual([unknown.status, at(unknown.body, 'errors', 0, 'code')], [400, 'container.image-not-found']);
		assert.equal((await create(id, 'glance', 'member:project-c')).status, 401, 'Glance does not know the token');
	});
});
