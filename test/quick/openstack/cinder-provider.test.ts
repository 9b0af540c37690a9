/** What is asked of Cinder for the volumes of sandboxes, in whose name, and how its answers are taken. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import type { Principal } from '../../../src/model/principal.ts';
import { Secret } from '../../../src/model/secret.ts';
import { CinderClient } from '../../../src/openstack/cinder.ts';
import { ProviderError } from '../../../src/providers/provider-error.ts';
import { CinderVolumeService } from '../../../src/providers/volume/cinder/cinder-volume-service.ts';
import { principal } from '../../support/control.ts';
import { type Heard, ScriptedCloud } from '../../support/openstack/scripted-cloud.ts';

const user = { token: new Secret('token-of-ann'), projectId: 'project-of-ann' };
const ann: Principal = { ...principal('project-of-ann'), token: user.token };
const signal = () => AbortSignal.timeout(20_000);

async function cloud(t: TestContext) {
	const scripted = await new ScriptedCloud().start();
	const session = scripted.session();
	t.after(async () => {
		session.close();
		await scripted.stop();
	});
	return { scripted, cinder: new CinderVolumeService(new CinderClient(session)) };
}

function volume(change: object = {}) {
	return {
		id: randomUUID(),
		name: 'data',
		size: 1,
		status: 'available',
		multiattach: false,
		metadata: {},
		attachments: [],
		'os-vol-tenant-attr:tenant_id': 'project-of-ann',
		...change,
	};
}

const askedBy = (heard: Heard | undefined) => heard?.headers['x-auth-token'];

describe('Cinder', () => {
	test('a volume is made in the user’s name, and found again by its key in the project alone', async (t) => {
		const { scripted, cinder } = await cloud(t);
		const made = volume({ status: 'creating', metadata: { zunbox_volume: 'key-1' } });
		const claimed = volume({ metadata: { zunbox_volume: 'key-1' }, 'os-vol-tenant-attr:tenant_id': 'another-project' });
		scripted.scripts['volume'] = ({ method }) =>
			method === 'POST' ? { status: 202, body: { volume: made } } : { status: 200, body: { volumes: [claimed, made] } };
		const facts = await cinder.create({ key: 'key-1', sandboxId: 'sandbox-1', name: '', size: 1 }, user, signal());
		assert.deepEqual([facts.volumeId, facts.state], [made.id, 'making']);
		const [asked] = scripted.asked('volume').filter(({ method }) => method === 'POST');
		assert.equal(askedBy(asked), 'token-of-ann');
		assert.ok(asked?.headers['x-service-token']);
		const { name, size, metadata } = JSON.parse(asked?.text ?? '').volume;
		assert.deepEqual([name, size, metadata], ['zunbox-key-1', 1, { zunbox_sandbox: 'sandbox-1', zunbox_volume: 'key-1' }]);
		assert.equal((await cinder.find('project-of-ann', 'key-1', signal()))?.volumeId, made.id);
		assert.equal(await cinder.find('project-of-bob', 'key-1', signal()), null);
		assert.notEqual(askedBy(scripted.asked('volume').at(-1)), 'token-of-ann');
	});

	test('what a user names is looked for with that user’s token, by id and then by name', async (t) => {
		const { scripted, cinder } = await cloud(t);
		const known = volume();
		scripted.scripts['volume'] = ({ path, query }) => {
			if (path.endsWith(`/volumes/${known.id}`)) return { status: 200, body: { volume: known } };
			if (!path.endsWith('/volumes/detail')) return { status: 404, body: { itemNotFound: { message: 'no such volume' } } };
			const named = { data: [known], twice: [volume({ name: 'twice' }), volume({ name: 'twice' })] }[query.get('name') ?? ''] ?? [];
			const strange = volume({ 'os-vol-tenant-attr:tenant_id': 'another-project' });
			return { status: 200, body: { volumes: query.get('name') === 'theirs' ? [strange] : named } };
		};
		for (const ref of [known.id, 'data']) assert.equal((await cinder.resolve(ann, ref, signal())).volumeId, known.id);
		for (const heard of scripted.asked('volume')) assert.equal(askedBy(heard), 'token-of-ann');
		await assert.rejects(cinder.resolve(ann, 'twice', signal()), /Several volumes/);
		for (const ref of [randomUUID(), 'theirs', 'nowhere']) await assert.rejects(cinder.resolve(ann, ref, signal()), /could not be found/);
		const { token: _, ...without } = ann;
		await assert.rejects(cinder.resolve(without, 'data', signal()), /needs a token/);
	});

	test('a quota that is used up is a refusal, with its words', async (t) => {
		const { scripted, cinder } = await cloud(t);
		const message = 'VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded';
		scripted.scripts['volume'] = () => ({ status: 413, body: { overLimit: { code: 413, message } } });
		await assert.rejects(
			cinder.create({ key: 'k', sandboxId: 's', name: '', size: 1 }, user, signal()),
			(error: unknown) => error instanceof ProviderError && error.failure === 'refused' && error.message.includes(message),
		);
	});

	test('its many statuses come down to what can be done', async (t) => {
		const { scripted, cinder } = await cloud(t);
		const states = {
			creating: 'making',
			available: 'available',
			'in-use': 'used',
			reserved: 'changing',
			attaching: 'changing',
			detaching: 'changing',
			deleting: 'deleting',
			error: 'broken',
			error_deleting: 'broken',
		};
		for (const [status, state] of Object.entries(states)) {
			scripted.scripts['volume'] = () => ({ status: 200, body: { volume: volume({ status }) } });
			assert.equal((await cinder.volume('v', signal()))?.state, state, status);
		}
		scripted.scripts['volume'] = () => ({ status: 404, body: {} });
		assert.equal(await cinder.volume('v', signal()), null);
		await cinder.remove('v', false, signal());
		await cinder.remove('v', true, signal());
		assert.match(scripted.asked('volume').at(-1)?.text ?? '', /os-force_delete/);
	});
});
