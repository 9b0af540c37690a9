import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZunboxError } from '../../../src/model/errors.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';

test('the history of a name that two containers bear is a conflict, not a container that is not there', async (t) => {
	const { link, service, close } = await startControl();
	t.after(close);
	await link.register(hostFacts('h1'));
	const me = principal('p1');
	for (const name of ['twin', 'twin']) await service.containers.create(me, { image: 'busybox', name, run: false });
	const code = (expected: string) => (error: unknown) => error instanceof ZunboxError && error.code === expected;
	await assert.rejects(service.containers.operations(me, 'twin'), code('conflict'));
	await assert.rejects(service.containers.operations(me, 'nobody'), code('container-not-found'));
});
