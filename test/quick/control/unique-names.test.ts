import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZunboxError } from '../../../src/model/errors.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';

test('where names are unique, none is given twice, neither by creating nor by renaming', async (t) => {
	const control = await startControl({ control: { uniqueContainerNames: true } });
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const { containers } = control.service;
	const me = principal('p1');
	const taken = (error: unknown) => error instanceof ZunboxError && error.code === 'container-already-exists';
	await containers.create(me, { image: 'busybox', name: 'web', run: false });
	const other = await containers.create(me, { image: 'busybox', name: 'other', run: false });
	await assert.rejects(containers.create(me, { image: 'busybox', name: 'web', run: false }), taken);
	// Only what is stable can be renamed.
	await control.store.db.updateTable('container').set({ status: 'Stopped' }).where('id', '=', other.id).execute();
	await assert.rejects(containers.update(me, other.id, { name: 'web' }), taken);
	assert.equal((await containers.update(me, other.id, { name: 'free' })).name, 'free');
	await containers.create(principal('p2'), { image: 'busybox', name: 'web', run: false });
});
