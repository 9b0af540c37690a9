import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SandboxSpec } from '../../../src/model/spec.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';

test('a volume counts as made from when its host has it, until it is to be made on another host', async (t) => {
	const control = await startControl();
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const me = principal('p1');
	const { id } = await control.service.sandboxes.create(me, { volumes: [{ size: 1 }, { size: 2 }] });
	const specOn = async (host: string): Promise<SandboxSpec> => {
		const spec = await control.link.sandbox(host, id);
		assert.ok(spec !== null);
		return spec;
	};
	const report = (spec: SandboxSpec, outcome: 'retry' | 'failed', madeVolumes: readonly string[]) =>
		control.link.report('h1', {
			...{ sandboxId: id, version: spec.version, status: 'Creating', statusReason: null, containers: [], removedContainers: [] },
			...{ removed: false, activePorts: [], detachedVolumes: [], madeVolumes },
			operations: [{ id: spec.operation?.id ?? '', outcome, error: 'no', at: Date.now() }],
		});
	const spec = await specOn('h1');
	const [first = ''] = spec.volumes.map((volume) => volume.id);
	assert.deepEqual(
		spec.volumes.map((volume) => volume.made),
		[false, false],
	);
	const stranger = await control.service.sandboxes.create(me, { volumes: [{ size: 1 }] });
	const [others] = (await control.link.sandbox('h1', stranger.id))?.volumes ?? [];
	const after = await report(spec, 'retry', [first, others?.id ?? '']);
	assert.deepEqual(
		after?.volumes.map((volume) => volume.made),
		spec.volumes.map((volume) => volume.id === first),
	);
	assert.deepEqual((await control.link.sandbox('h1', stranger.id))?.volumes[0]?.made, false, 'it is not that sandbox which tells of it');

	await control.link.register(hostFacts('h2'));
	assert.equal(await report(spec, 'failed', [first]), null, 'it went to the other host');
	assert.deepEqual(
		(await specOn('h2')).volumes.map((volume) => volume.made),
		[false, false],
	);
});
