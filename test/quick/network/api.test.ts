import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { type Answer, apiWorld, type Client } from './api-world.ts';
import { somebody, writeSandbox } from './world.ts';

/** The answer must be this error in Neutron's form. */
function assertError(answer: Answer, status: number, type: string): void {
	const { NeutronError: error } = answer.body;
	assert.ok(
		typeof error === 'object' && error !== null && 'type' in error && 'message' in error && 'detail' in error,
		JSON.stringify(answer),
	);
	assert.deepEqual([answer.status, error.type], [status, type], JSON.stringify(error));
	assert.notEqual(error.message, '');
}

/** A network with one subnet. */
async function netOf(client: Client, cidr = '10.1.0.0/24', name = 'net') {
	const network = await client.create('network', { name });
	const subnet = await client.create('subnet', { network_id: network.id, ip_version: 4, cidr, name: `${name}-sub` });
	return { network, subnet };
}

describe('discovery', () => {
	test('versions, resources and extensions', async (t) => {
		const { client, url } = await apiWorld(t);
		const someone = client();
		const root = await someone.request('GET', `${url()}/network`);
		assert.deepEqual(root.body, {
			versions: [{ id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: `${url()}/network/v2.0/` }] }],
		});
		const aliases = (await someone.list('/extensions')).map((extension) => extension['alias']);
		for (const alias of ['security-group', 'port-security', 'quotas', 'allowed-address-pairs', 'project-id'])
			assert.ok(aliases.includes(alias));
		assert.equal((await someone.request('GET', '/extensions/quotas')).status, 200);
		assertError(await someone.request('GET', '/extensions/router'), 404, 'ExtensionNotFound');
	});

	test('quotas, of another project for administrators alone', async (t) => {
		const { client, limits } = await apiWorld(t);
		limits.ports = 7;
		const someone = client();
		const own = await someone.request('GET', `/quotas/${someone.principal.projectId}`);
		assert.deepEqual([own.status, Object(own.body['quota']).port], [200, 7]);
		assertError(await someone.request('GET', '/quotas/other'), 403, 'PolicyNotAuthorized');
		assert.equal((await client(somebody('admin')).request('GET', '/quotas/other')).status, 200);
	});
});

describe('networks', () => {
	test('are made, shown, changed, listed and deleted', async (t) => {
		const { client } = await apiWorld(t);
		const someone = client();
		const network = await someone.create('network', { name: 'one', description: 'd' });
		assert.deepEqual(
			[network['tenant_id'], network['project_id'], network['shared'], network['router:external'], network['status'], network['subnets']],
			[someone.principal.projectId, someone.principal.projectId, false, false, 'ACTIVE', []],
		);
		assert.match(String(network['created_at']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
		const changed = await someone.request('PUT', `/networks/${network.id}`, { network: { name: 'two', admin_state_up: false } });
		const shown = await someone.request('GET', `/networks/${network.id}`);
		assert.deepEqual(shown.body, changed.body);
		assert.deepEqual([Object(shown.body['network']).name, Object(shown.body['network']).status], ['two', 'DOWN']);
		assert.ok(Object(shown.body['network']).revision_number > Number(network['revision_number']));
		assert.deepEqual(
			(await someone.list('/networks')).map((entry) => entry['name']),
			['default', 'two'],
		);
		assert.equal((await someone.request('DELETE', `/networks/${network.id}`)).status, 204);
		assertError(await someone.request('GET', `/networks/${network.id}`), 404, 'NetworkNotFound');
	});

	test('of other projects do not exist; shared ones are seen and not changed', async (t) => {
		const { client } = await apiWorld(t);
		const { network } = await netOf(client());
		const stranger = client();
		const path = `/networks/${network.id}`;
		for (const answer of [
			await stranger.request('GET', path),
			await stranger.request('PUT', path, { network: { name: 'mine' } }),
			await stranger.request('DELETE', path),
			await stranger.request('POST', '/ports', { port: { network_id: network.id } }),
			await stranger.request('POST', '/subnets', { subnet: { network_id: network.id, ip_version: 4, cidr: '10.7.0.0/24' } }),
		]) {
			assertError(answer, 404, 'NetworkNotFound');
		}
		assert.deepEqual(
			(await stranger.list('/networks')).map((entry) => entry['name']),
			['default'],
		);
		assert.equal((await stranger.list('/subnets')).length, 2);
		const [shared] = await stranger.list('/networks?name=default');
		assertError(await stranger.request('PUT', `/networks/${shared?.['id']}`, { network: { name: 'mine' } }), 403, 'PolicyNotAuthorized');
		assertError(await stranger.request('DELETE', `/networks/${shared?.['id']}`), 403, 'PolicyNotAuthorized');
		assert.equal((await client(somebody('admin')).request('GET', path)).status, 200);
	});

	test('only administrators share them, open them to the world or make them for others', async (t) => {
		const { client } = await apiWorld(t);
		const someone = client();
		const admin = client(somebody('admin'));
		for (const attributes of [{ shared: true }, { 'router:external': true }, { tenant_id: 'other' }]) {
			assertError(await someone.request('POST', '/networks', { network: attributes }), 403, 'PolicyNotAuthorized');
			assert.equal((await admin.request('POST', '/networks', { network: attributes })).status, 201);
		}
		const { network } = await netOf(someone);
		assertError(await someone.request('PUT', `/networks/${network.id}`, { network: { shared: true } }), 403, 'PolicyNotAuthorized');
	});

	test('in use, or the default one, are not deleted', async (t) => {
		const { client } = await apiWorld(t);
		const someone = client();
		const { network, subnet } = await netOf(someone);
		const port = await someone.create('port', { network_id: network.id });
		assertError(await someone.request('DELETE', `/networks/${network.id}`), 409, 'NetworkInUse');
		assertError(await someone.request('DELETE', `/subnets/${subnet.id}`), 409, 'SubnetInUse');
		assert.equal((await someone.request('DELETE', `/ports/${port.id}`)).status, 204);
		assert.equal((await someone.request('DELETE', `/networks/${network.id}`)).status, 204);
		assertError(await someone.request('GET', `/subnets/${subnet.id}`), 404, 'SubnetNotFound');
		const admin = client(somebody('admin'));
		const [standard] = await admin.list('/networks?is_default=true');
		assertError(await admin.request('DELETE', `/networks/${standard?.['id']}`), 409, 'NetworkInUse');
	});

	test('and ports are limited', async (t) => {
		const { client, limits } = await apiWorld(t);
		Object.assign(limits, { networks: 1, ports: 1 });
		const someone = client();
		const { network } = await netOf(someone);
		assertError(await someone.request('POST', '/networks', { network: {} }), 409, 'OverQuota');
		await someone.create('port', { network_id: network.id });
		assertError(await someone.request('POST', '/ports', { port: { network_id: network.id } }), 409, 'OverQuota');
		assert.equal((await someone.list('/ports')).length, 1);
	});
});

describe('subnets', () => {
	test('get a gateway and pools, or have those that were asked for', async (t) => {
		const { client } = await apiWorld(t);
		const someone = client();
		const { network, subnet } = await netOf(someone);
		assert.equal(subnet['gateway_ip'], '10.1.0.1');
		assert.deepEqual(subnet['allocation_pools'], [{ start: '10.1.0.2', end: '10.1.0.254' }]);
		const chosen = await someone.create('subnet', {
			network_id: network.id,
			ip_version: 6,
			cidr: 'fd00:1::/64',
			gateway_ip: null,
			allocation_pools: [{ start: 'fd00:1::10', end: 'fd00:1::20' }],
			dns_nameservers: ['FD00::53'],
			host_routes: [{ destination: 'fd00:9::/64', nexthop: 'fd00:1::99' }],
		});
		assert.deepEqual([chosen['gateway_ip'], chosen['dns_nameservers']], [null, ['fd00::53']]);
		const changed = await someone.request('PUT', `/subnets/${chosen.id}`, { subnet: { gateway_ip: 'fd00:1::1', name: 'six' } });
		assert.equal(Object(changed.body['subnet']).gateway_ip, 'fd00:1::1');
		assertError(
			await someone.request('PUT', `/subnets/${chosen.id}`, { subnet: { gateway_ip: 'fd00:1::11' } }),
			409,
			'GatewayConflictWithAllocationPools',
		);
	});

	for (const [what, attributes, status, type] of [
		['that overlap', { cidr: '10.1.0.128/25' }, 400, 'InvalidInput'],
		['with bits beyond the prefix', { cidr: '10.2.0.1/24' }, 400, 'InvalidInput'],
		['of the other family', { cidr: 'fd00::/64' }, 400, 'InvalidInput'],
		['of loopback addresses', { cidr: '127.0.0.0/24' }, 400, 'InvalidInput'],
		['too small', { cidr: '10.2.0.0/31' }, 400, 'InvalidInput'],
		['with a gateway elsewhere', { cidr: '10.2.0.0/24', gateway_ip: '10.3.0.1' }, 400, 'InvalidInput'],
		[
			'with pools elsewhere',
			{ cidr: '10.2.0.0/24', allocation_pools: [{ start: '10.3.0.2', end: '10.3.0.9' }] },
			409,
			'OutOfBoundsAllocationPool',
		],
		[
			'with a pool backwards',
			{ cidr: '10.2.0.0/24', allocation_pools: [{ start: '10.2.0.9', end: '10.2.0.2' }] },
			400,
			'InvalidAllocationPool',
		],
		['with an attribute that there is not', { cidr: '10.2.0.0/24', colour: 'red' }, 400, 'BadRequest'],
		['without a cidr', {}, 400, 'BadRequest'],
	] as const) {
		test(`${what} are refused`, async (t) => {
			const { client } = await apiWorld(t);
			const someone = client();
			const { network } = await netOf(someone);
			assertError(
				await someone.request('POST', '/subnets', { subnet: { network_id: network.id, ip_version: 4, ...attributes } }),
				status,
				type,
			);
		});
	}
});

describe('ports', () => {
	test('are made, shown, changed and deleted', async (t) => {
		const { client } = await apiWorld(t);
		const someone = client();
		const { network, subnet } = await netOf(someone);
		const port = await someone.create('port', {
			network_id: network.id,
			name: 'p',
			fixed_ips: [{ ip_address: '10.1.0.50' }],
			mac_address: 'FA:16:3E:00:00:01',
		});
		assert.deepEqual(port['fixed_ips'], [{ subnet_id: subnet.id, ip_address: '10.1.0.50' }]);
		assert.deepEqual(
			[port['mac_address'], port['device_id'], port['device_owner'], port['status'], 'binding:host_id' in port],
			['fa:16:3e:00:00:01', '', '', 'DOWN', false],
		);
		const changed = await someone.request('PUT', `/ports/${port.id}`, {
			port: { fixed_ips: [{ ip_address: '10.1.0.50' }, { subnet_id: subnet.id }], security_groups: [], admin_state_up: false },
		});
		const after = Object(changed.body['port']);
		assert.equal(after.fixed_ips.length, 2);
		assert.deepEqual([after.security_groups, after.admin_state_up], [[], false]);
		assert.equal((await someone.request('DELETE', `/ports/${port.id}`)).status, 204);
		await someone.create('port', { network_id: network.id, fixed_ips: [{ ip_address: '10.1.0.50' }] });
	});

	test('are refused what another has, or what the network has not', async (t) => {
		const { client } = await apiWorld(t);
		const someone = client();
		const { network } = await netOf(someone);
		await someone.create('port', { network_id: network.id, fixed_ips: [{ ip_address: '10.1.0.50' }], mac_address: 'fa:16:3e:00:00:01' });
		const attempt = async (attributes: object) =>
			await someone.request('POST', '/ports', { port: { network_id: network.id, ...attributes } });
		assertError(await attempt({ fixed_ips: [{ ip_address: '10.1.0.50' }] }), 409, 'IpAddressInUse');
		assertError(await attempt({ mac_address: 'fa:16:3e:00:00:01' }), 409, 'MacAddressInUse');
		assertError(await attempt({ mac_address: '01:00:5e:00:00:01' }), 400, 'InvalidInput');
		assertError(await attempt({ fixed_ips: [{ ip_address: '10.9.0.1' }] }), 400, 'InvalidIpForNetwork');
		assertError(await attempt({ fixed_ips: [{ subnet_id: 'none' }] }), 400, 'InvalidInput');
		assertError(await attempt({ security_groups: ['none'] }), 404, 'SecurityGroupNotFound');
		assertError(await attempt({ device_id: 'x' }), 400, 'InvalidInput');
		assertError(await attempt({ port_security_enabled: false, security_groups: ['x'] }), 404, 'SecurityGroupNotFound');
	});

	test('take only so many addresses each, so that none takes all of a shared network', async (t) => {
		const { client } = await apiWorld(t);
		const someone = client();
		const { network, subnet } = await netOf(someone);
		const ask = (count: number) =>
			someone.request('POST', '/ports', {
				port: { network_id: network.id, fixed_ips: Array.from({ length: count }, () => ({ subnet_id: subnet.id })) },
			});
		assert.equal((await ask(5)).status, 201);
		assertError(await ask(6), 400, 'InvalidInput');
		const pairs = Array.from({ length: 11 }, (_, n) => ({ ip_address: `10.1.0.${n + 1}` }));
		assertError(
			await someone.request('POST', '/ports', { port: { network_id: network.id, allowed_address_pairs: pairs } }),
			400,
			'InvalidInput',
		);
	});

	test('on a shared network are seen by their project alone, and may not pass for others', async (t) => {
		const { client } = await apiWorld(t);
		const [someone, stranger] = [client(), client()];
		const [shared] = await someone.list('/networks?name=default');
		const port = await someone.create('port', { network_id: shared?.['id'] });
		assert.deepEqual(await stranger.list('/ports'), []);
		assert.deepEqual(await stranger.list(`/ports?tenant_id=${someone.principal.projectId}`), []);
		assertError(await stranger.request('GET', `/ports/${port.id}`), 404, 'PortNotFound');
		assertError(await stranger.request('DELETE', `/ports/${port.id}`), 404, 'PortNotFound');
		for (const trust of [{ allowed_address_pairs: [{ ip_address: '10.88.0.0/16' }] }, { port_security_enabled: false }]) {
			assertError(await someone.request('PUT', `/ports/${port.id}`, { port: trust }), 403, 'PolicyNotAuthorized');
			assertError(await someone.request('POST', '/ports', { port: { network_id: shared?.['id'], ...trust } }), 403, 'PolicyNotAuthorized');
		}
		const { network } = await netOf(someone);
		const trusted = await someone.create('port', { network_id: network.id, allowed_address_pairs: [{ ip_address: '10.1.0.200' }] });
		assert.deepEqual(trusted['allowed_address_pairs'], [{ ip_address: '10.1.0.200', mac_address: trusted['mac_address'] }]);
	});

	test('of sandboxes show them, change while they run, and are kept while they are made', async (t) => {
		const { client, store, provider, changes } = await apiWorld(t);
		const someone = client();
		const { sandbox, id } = await store.transaction(async (tx) => {
			const made = await writeSandbox(tx, someone.principal.projectId, 'h1');
			const [port] = await provider.attach(tx, someone.principal, made, [{ network: 'default' }], null);
			await tx.updateTable('sandbox').set({ status: 'Creating' }).where('id', '=', made.id).execute();
			return { sandbox: made, id: port?.id ?? '' };
		});
		const [port] = await someone.list(`/ports?device_id=${sandbox.id}`);
		assert.deepEqual([port?.['id'], port?.['device_owner']], [id, 'compute:zunbox']);
		const admin = client(somebody('admin'));
		const full = Object((await admin.request('GET', `/ports/${id}`)).body['port']);
		assert.deepEqual([full['binding:host_id'], full['binding:vif_type']], ['h1', 'bridge']);
		await eventually('the attach is told', () => changes.length > 0);
		changes.length = 0;
		assert.equal((await someone.request('PUT', `/ports/${id}`, { port: { security_groups: [] } })).status, 200);
		await eventually('the host is told', () => changes.some((change) => change.hosts.includes('h1')));
		assertError(await someone.request('PUT', `/ports/${id}`, { port: { mac_address: 'fa:16:3e:00:00:09' } }), 409, 'PortBound');
		assertError(await someone.request('DELETE', `/ports/${id}`), 409, 'PortInUse');
		await store.transaction((tx) => tx.updateTable('sandbox').set({ status: 'Running' }).where('id', '=', sandbox.id).execute());
		assert.equal((await someone.request('DELETE', `/ports/${id}`)).status, 204);
		assert.deepEqual(await provider.portSpecs(store.db, sandbox.id), []);
	});

	test('are made many at once, all or none', async (t) => {
		const { client } = await apiWorld(t);
		const someone = client();
		const { network } = await netOf(someone, '10.1.0.0/29');
		const many = (count: number) => ({ ports: Array.from({ length: count }, () => ({ network_id: network.id })) });
		assertError(await someone.request('POST', '/ports', many(6)), 409, 'IpAddressGenerationFailure');
		assert.equal((await someone.list('/ports')).length, 0);
		const made = await someone.request('POST', '/ports', many(5));
		assert.deepEqual([made.status, Object(made.body['ports']).length], [201, 5]);
	});
});

describe('security groups', () => {
	test('a project has its default group from the start', async (t) => {
		const { client } = await apiWorld(t);
		const someone = client();
		const [group, ...others] = await someone.list('/security-groups');
		assert.deepEqual([group?.['name'], others], ['default', []]);
		const rules = await someone.list(`/security-group-rules?security_group_id=${group?.['id']}`);
		assert.deepEqual(
			rules.map((rule) => [rule['direction'], rule['ethertype'], rule['remote_group_id'], rule['protocol']]),
			[
				['egress', 'IPv4', null, null],
				['egress', 'IPv6', null, null],
				['ingress', 'IPv4', group?.['id'], null],
				['ingress', 'IPv6', group?.['id'], null],
			],
		);
		assertError(await someone.request('DELETE', `/security-groups/${group?.['id']}`), 409, 'SecurityGroupCannotRemoveDefault');
		assertError(
			await someone.request('PUT', `/security-groups/${group?.['id']}`, { security_group: { name: 'x' } }),
			409,
			'SecurityGroupCannotUpdateDefault',
		);
		assertError(
			await someone.request('POST', '/security-groups', { security_group: { name: 'default' } }),
			409,
			'SecurityGroupDefaultAlreadyExists',
		);
	});

	test('are kept while a port is in them, and go with the rules that name them', async (t) => {
		const { client } = await apiWorld(t);
		const someone = client();
		const { network } = await netOf(someone);
		const [web, db] = [await someone.create('security_group', { name: 'web' }), await someone.create('security_group', { name: 'db' })];
		await someone.create('security_group_rule', { security_group_id: db.id, direction: 'ingress', remote_group_id: web.id });
		const port = await someone.create('port', { network_id: network.id, security_groups: [web.id] });
		assertError(await someone.request('DELETE', `/security-groups/${web.id}`), 409, 'SecurityGroupInUse');
		await someone.request('PUT', `/ports/${port.id}`, { port: { security_groups: [] } });
		assert.equal((await someone.request('DELETE', `/security-groups/${web.id}`)).status, 204);
		assert.equal((await someone.list(`/security-group-rules?security_group_id=${db.id}&direction=ingress`)).length, 0);
	});

	test('of other projects do not exist, nor can rules name them', async (t) => {
		const { client } = await apiWorld(t);
		const [someone, stranger] = [client(), client()];
		const theirs = await stranger.create('security_group', { name: 'theirs' });
		const own = await someone.create('security_group', { name: 'own' });
		assertError(await someone.request('GET', `/security-groups/${theirs.id}`), 404, 'SecurityGroupNotFound');
		for (const rule of [
			{ security_group_id: theirs.id, direction: 'ingress' },
			{ security_group_id: own.id, direction: 'ingress', remote_group_id: theirs.id },
		]) {
			assertError(await someone.request('POST', '/security-group-rules', { security_group_rule: rule }), 404, 'SecurityGroupNotFound');
		}
		const [rule] = await stranger.list(`/security-group-rules?security_group_id=${theirs.id}`);
		assertError(await someone.request('DELETE', `/security-group-rules/${rule?.['id']}`), 404, 'SecurityGroupRuleNotFound');
	});

	const tcp = { direction: 'ingress', protocol: 'tcp', port_range_min: 80, port_range_max: 80 };
	for (const [what, rule, expected] of [
		['names are lower case', { ...tcp, protocol: 'TCP', ethertype: 'ipv4' }, { protocol: 'tcp', ethertype: 'IPv4' }],
		['numbers of known protocols are names', { direction: 'egress', protocol: 6 }, { protocol: 'tcp' }],
		['unknown numbers stay', { direction: 'egress', protocol: '200' }, { protocol: '200' }],
		['ICMP is of the family', { direction: 'ingress', protocol: 'icmp', ethertype: 'IPv6' }, { protocol: 'ipv6-icmp' }],
		['a prefix is cut', { ...tcp, remote_ip_prefix: '10.2.3.4/16' }, { remote_ip_prefix: '10.2.0.0/16' }],
		['an address is a prefix', { ...tcp, remote_ip_prefix: '10.2.3.4' }, { remote_ip_prefix: '10.2.3.4/32' }],
		[
			'an ICMP type without code',
			{ direction: 'ingress', protocol: 'icmp', port_range_min: 8 },
			{ port_range_min: 8, port_range_max: null },
		],
	] as const) {
		test(`rules: ${what}`, async (t) => {
			const { client } = await apiWorld(t);
			const someone = client();
			const group = await someone.create('security_group', { name: 'g' });
			const made = await someone.create('security_group_rule', { security_group_id: group.id, ...rule });
			for (const [name, value] of Object.entries(expected)) assert.equal(made[name], value, name);
		});
	}
	for (const [what, rule, status, type] of [
		['an unknown protocol', { ...tcp, protocol: 'xyz' }, 400, 'SecurityGroupRuleInvalidProtocol'],
		['ports backwards', { ...tcp, port_range_min: 90 }, 400, 'SecurityGroupInvalidPortRange'],
		['ports without a protocol', { ...tcp, protocol: null }, 400, 'SecurityGroupInvalidProtocolForPort'],
		['port 0', { ...tcp, port_range_min: 0 }, 400, 'SecurityGroupInvalidPortRange'],
		['an ICMP type of 256', { direction: 'ingress', protocol: 'icmp', port_range_min: 256 }, 400, 'SecurityGroupInvalidIcmpValue'],
		['an ICMP code alone', { direction: 'ingress', protocol: 'icmp', port_range_max: 0 }, 400, 'SecurityGroupMissingIcmpType'],
		['a prefix of the other family', { ...tcp, remote_ip_prefix: 'fd00::/8' }, 400, 'SecurityGroupRuleParameterConflict'],
		['no prefix', { ...tcp, remote_ip_prefix: 'x' }, 400, 'InvalidInput'],
		['no direction', { protocol: 'tcp' }, 400, 'BadRequest'],
		['two remotes', { ...tcp, remote_ip_prefix: '10.0.0.0/8', remote_group_id: 'self' }, 400, 'SecurityGroupRemoteGroupAndRemoteIpPrefix'],
		['what is there already', { direction: 'egress' }, 409, 'SecurityGroupRuleExists'],
	] as const) {
		test(`rules are refused with ${what}`, async (t) => {
			const { client } = await apiWorld(t);
			const someone = client();
			const group = await someone.create('security_group', { name: 'g' });
			const remote = 'remote_group_id' in rule ? { remote_group_id: group.id } : {};
			const body = { security_group_rule: { security_group_id: group.id, ...rule, ...remote } };
			assertError(await someone.request('POST', '/security-group-rules', body), status, type);
		});
	}
});

describe('lists', () => {
	test('filter by any attribute, of which values one must match and attributes all', async (t) => {
		const { client } = await apiWorld(t);
		const someone = client();
		const { network, subnet } = await netOf(someone);
		const [one, two] = [
			await someone.create('port', { network_id: network.id, name: 'one', fixed_ips: [{ ip_address: '10.1.0.20' }] }),
			await someone.create('port', { network_id: network.id, name: 'two', admin_state_up: false }),
		];
		const names = async (query: string) => (await someone.list(`/ports?${query}`)).map((port) => port['name']);
		for (const [query, expected] of [
			['name=one', ['one']],
			['name=one&name=two', ['one', 'two']],
			[`id=${two.id}&network_id=${network.id}`, ['two']],
			['admin_state_up=False', ['two']],
			[`mac_address=${String(one['mac_address']).toUpperCase()}`, ['one']],
			[`mac_address=${one['mac_address']}`, ['one']],
			['fixed_ips=ip_address%3D10.1.0.20', ['one']],
			[`fixed_ips=ip_address%3D10.1.0.20&fixed_ips=subnet_id%3D${subnet.id}`, ['one']],
			['fixed_ips=ip_address_substr%3D10.1', ['one', 'two']],
			['fixed_ips=subnet_id%3Dnone', []],
			['device_id=', ['one', 'two']],
			['device_id=x', []],
			[`project_id=${someone.principal.projectId}`, ['one', 'two']],
			['status=ACTIVE', []],
			['tags-any=x', []],
		] as const) {
			assert.deepEqual(await names(query), expected, query);
		}
		assertError(await someone.request('GET', '/ports?colour=red'), 400, 'BadRequest');
	});

	test('show only the fields that were asked for', async (t) => {
		const { client } = await apiWorld(t);
		const someone = client();
		const { network } = await netOf(someone);
		assert.deepEqual(await someone.list('/networks?name=net&fields=id&fields=name'), [{ id: network.id, name: 'net' }]);
		const shown = await someone.request('GET', `/networks/${network.id}?fields=name`);
		assert.deepEqual(shown.body, { network: { name: 'net' } });
	});

	test('are sorted, and cut into pages whose links lead through all of them and back', async (t) => {
		const { client } = await apiWorld(t);
		const someone = client();
		const { network } = await netOf(someone);
		for (const name of ['b', 'd', 'a', 'c', 'e']) await someone.create('port', { network_id: network.id, name });
		const walk = async (start: string, rel: string) => {
			const pages: string[] = [];
			for (let path: string | undefined = start; path !== undefined; ) {
				const { body } = await someone.request('GET', path);
				const ports: unknown = body['ports'];
				assert.ok(Array.isArray(ports));
				pages.push(ports.map((port) => port.name).join(''));
				const links: unknown = body['ports_links'] ?? [];
				assert.ok(Array.isArray(links));
				path = links.find((link) => link.rel === rel)?.href;
			}
			return pages;
		};
		assert.deepEqual(await walk('/ports?sort_key=name&limit=2', 'next'), ['ab', 'cd', 'e']);
		assert.deepEqual(await walk('/ports?sort_key=name&sort_dir=desc&limit=2', 'next'), ['ed', 'cb', 'a']);
		const [last] = await someone.list('/ports?name=e');
		assert.deepEqual(await walk(`/ports?sort_key=name&limit=2&marker=${last?.['id']}&page_reverse=True`, 'previous'), ['cd', 'ab']);
		assert.deepEqual(await walk('/ports?sort_key=name', 'next'), ['abcde']);
		assertError(await someone.request('GET', '/ports?limit=x'), 400, 'BadRequest');
		assertError(await someone.request('GET', '/ports?marker=x'), 400, 'BadRequest');
		assertError(await someone.request('GET', '/ports?sort_key=x'), 400, 'BadRequest');
	});
});
