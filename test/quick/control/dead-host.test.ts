import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderError } from '../../../src/api/errors.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';
import { ModelHost } from '../../support/model-host.ts';

test('a call to a host that is away is 503 with its name; what can wait is taken on', async (t) => {
	const { link, service, close } = await startControl();
	t.after(close);
	await link.register(hostFacts('rack-7'));
	const me = principal('p1');
	const made = await service.containers.create(me, { image: 'busybox', run: true });
	await new ModelHost(link, 'rack-7').settle();
	// No agent is connected to the bus.
	const signal = AbortSignal.timeout(10_000);
	const error: unknown = await service.containers.stats(me, made.id, signal).then(
		() => null,
		(cause: unknown) => cause,
	);
	const answer = renderError(error, { form: 'zun', requestId: 'req-1', authUrl: '', helpUrl: '' });
	assert.equal(answer.status, 503);
	assert.match(JSON.stringify(answer.body), /container\.host-not-up.*Host rack-7 is not up/);
	assert.equal((await service.containers.show(me, made.id)).status, 'Running');
	await service.containers.stop(me, made.id, { timeout: null });
	assert.equal((await service.containers.show(me, made.id)).taskState, 'container_stopping');
	await service.containers.delete(me, made.id, { force: false, stop: true, allProjects: false });
	assert.equal((await service.containers.show(me, made.id)).status, 'Deleting');
});
