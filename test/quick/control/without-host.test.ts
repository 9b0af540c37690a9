import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZunboxError } from '../../../src/model/errors.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';

test('what has no host refuses what only a host could do, and can be deleted', async (t) => {
	const control = await startControl();
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const { containers, sandboxes } = control.service;
	const me = principal('p1');
	const container = await containers.create(me, { image: 'busybox', run: true });
	const spec = await control.link.sandbox('h1', container.sandboxId);
	assert.ok(spec !== null && spec.operation !== null);
	// The only host cannot make it.
	await control.link.report('h1', {
		...{ sandboxId: spec.id, version: spec.version, status: 'Error', statusReason: 'no', containers: [], removedContainers: [] },
		...{ removed: false, activePorts: [], detachedVolumes: [] },
		operations: [{ id: spec.operation.id, outcome: 'failed', error: 'it cannot be made', at: Date.now() }],
	});
	assert.equal((await containers.show(me, container.id)).status, 'Error');
	const refused = (error: unknown) => error instanceof ZunboxError && error.status === 409;
	await assert.rejects(containers.rebuild(me, container.id, { image: null, imageDriver: null }), refused);
	await assert.rejects(containers.start(me, container.id), refused);
	await assert.rejects(sandboxes.start(me, container.sandboxId), refused);
	await containers.delete(me, container.id, { force: true, stop: false, allProjects: false });
	await assert.rejects(sandboxes.show(me, container.sandboxId), (error) => error instanceof ZunboxError && error.status === 404);
});
