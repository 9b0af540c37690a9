/** What a user has begun is ended though the user's token expires meanwhile. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { Account } from './cloud/account.ts';
import { makeNetwork, type TestNetwork } from './support/networks.ts';
import { CloudWorld } from './support/world.ts';

/** Seconds. */
const lifetime = 12;

describe('a token that expires in the middle', () => {
	let world: CloudWorld;
	let network: TestNetwork;
	const endings: (() => unknown)[] = [];

	before(async () => {
		world = await CloudWorld.start();
		network = await makeNetwork({ after: (ending: () => unknown) => endings.push(ending) }, world.alpha.account, '10.99.0.0/24');
	});
	after(async () => {
		await world.remove();
		for (const ending of endings) await ending();
	});

	async function configureKeystone(change: (text: string) => string): Promise<void> {
		const file = world.place.etc('keystone/keystone.conf');
		writeFileSync(file, change(readFileSync(file, 'utf8')));
		await world.daemons.stop('keystone');
		world.daemons.start('keystone');
		await world.daemonsAreUp();
	}

	test('its sandbox is made nevertheless, and deleted', async () => {
		const { alpha, daemons } = world;
		const expiration = `expiration = ${lifetime}\n`;
		await configureKeystone((text) => text.replace('[token]\n', `[token]\n${expiration}`));
		try {
			const short = new Account('alpha', 'alpha');
			const token = await short.newToken();
			const expired = performance.now() + lifetime * 1000;
			const answer = await alpha.call('POST /v1/sandboxes', { name: 'late', nets: [{ network: network.id }] }, token);
			assert.equal(answer.status, 202, answer.text);
			await daemons.stop('neutron', 'SIGKILL');
			await eventually('the token has expired', () => performance.now() > expired + 3000, { timeout: 60_000 });
			daemons.start('neutron');
			const shown = await alpha.settled('sandboxes', answer.body['uuid'], 'Running', 180_000);
			assert.equal((await alpha.call('GET /v1/sandboxes', undefined, token)).status, 401);
			await alpha.ok(`DELETE /v1/sandboxes/${shown['uuid']}?force=true`);
			await alpha.gone('sandboxes', shown['uuid']);
		} finally {
			await configureKeystone((text) => text.replace(expiration, ''));
		}
		await world.nothingIsLeft();
	});
});
