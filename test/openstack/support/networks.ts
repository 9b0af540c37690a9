import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { type Account, fieldsIn } from '../cloud/account.ts';

export interface TestNetwork {
	readonly id: string;
	readonly name: string;
	readonly subnetId: string;
}

/** Something that calls back at its end. */
export type Lifetime = Pick<TestContext, 'after'>;

/** A network with one subnet, in the account's project, for as long as the test runs. */
export async function makeNetwork(t: Lifetime, account: Account, cidr: string): Promise<TestNetwork> {
	const name = `net-${randomUUID().slice(0, 8)}`;
	const network = fieldsIn(await account.ok('neutron', 'POST /v2.0/networks', { network: { name } }), 'network');
	const id = String(network['id']);
	// What is on it may be going at the same time.
	t.after(() =>
		eventually(`network ${name} is deleted`, async () => (await account.call('neutron', `DELETE /v2.0/networks/${id}`)).status !== 409),
	);
	const subnet = { network_id: id, cidr, ip_version: 4, name };
	const made = fieldsIn(await account.ok('neutron', 'POST /v2.0/subnets', { subnet }), 'subnet');
	return { id, name, subnetId: String(made['id']) };
}
