import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZunboxError } from '../../../src/model/errors.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';
import { ModelHost } from '../../support/model-host.ts';

test('an image of Glance is refused where there is no Glance, instead of taken from elsewhere', async (t) => {
	const { link, service, close } = await startControl();
	t.after(close);
	await link.register(hostFacts('h1'));
	const me = principal('p1');
	const refused = (error: unknown) => error instanceof ZunboxError && error.code === 'validation-error' && /Glance/.test(error.message);
	await assert.rejects(service.containers.create(me, { image: 'busybox', imageDriver: 'glance', run: false }), refused);
	const made = await service.containers.create(me, { image: 'busybox', imageDriver: 'docker', run: false });
	await new ModelHost(link, 'h1').settle();
	await assert.rejects(service.containers.rebuild(me, made.id, { image: null, imageDriver: 'glance' }), refused);
	await service.containers.rebuild(me, made.id, { image: null, imageDriver: 'docker' });
});
