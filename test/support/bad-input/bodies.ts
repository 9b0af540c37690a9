import fc from 'fast-check';

/** Bodies that are right, by method and path: what is nearly right gets further than what is made up. Ids stand in braces. */
const rightBodies: Readonly<Record<string, readonly object[]>> = {
	'POST /v1/containers': [
		{ name: 'c1', image: 'zunbox/busybox:latest', command: ['sleep', '9'], sandbox: 'shelf', labels: { a: 'b' }, environment: { K: 'v' } },
		{
			image: 'zunbox/busybox:latest',
			cpu: 1,
			memory: '64',
			restart_policy: { Name: 'on-failure', MaximumRetryCount: 2 },
			exposed_ports: { '80/tcp': {} },
		},
		{
			image: 'zunbox/busybox:latest',
			mounts: [{ source: 'data', destination: '/data' }],
			nets: [{ network: 'lan' }],
			hints: { same_host: ['shelf'] },
		},
	],
	'PATCH /v1/containers/{id}': [{ cpu: 1, memory: '128' }, { name: 'web' }],
	'POST /v1/containers/{id}/execute': [
		{ command: 'echo "a b"', run: 'true', interactive: 'false' },
		{ command: 'true', run: false },
	],
	'POST /v1/containers/{id}/put_archive': [
		{ path: '/tmp', data: Buffer.alloc(1024).toString('base64') },
		{ path: '/tmp', data: 'YWJj' },
	],
	'POST /v1/containers/{id}/commit': [{ repository: 'mine', tag: 'v1' }],
	'POST /v1/containers/{id}/kill': [{ signal: 'SIGHUP' }],
	'POST /v1/containers/{id}/network_attach': [{ network: 'lan', fixed_ip: '10.8.0.9' }],
	'POST /v1/containers/{id}/rebuild': [{ image: 'zunbox/busybox:latest' }],
	'POST /v1/sandboxes': [
		{ name: 's1', cpu: 1, memory: 64, hostname: 'h', labels: { a: 'b' }, expires_in: 3600 },
		{ published_ports: [{ host_port: 8080, sandbox_port: 80 }], volumes: [{ size: 1 }], security_groups: ['default'] },
	],
	'PATCH /v1/sandboxes/{id}': [
		{ name: 'shelf', labels: { x: 'y' }, expires_in: null, published_ports: [{ host_port: 8081, sandbox_port: 81 }] },
	],
	'POST /v1/sandboxes/{id}/network_attach': [{ network: 'lan', fixed_ip: '10.8.0.10' }],
	'POST /v1/sandboxes/{id}/network_detach': [{ network: 'lan' }],
	'POST /v1/sandboxes/{id}/volumes': [{ volume: 'data' }],
	'POST /v1/volumes': [{ name: 'v1', size: 1 }],
	'POST /v1/capsules': [
		{
			template: {
				kind: 'capsule',
				capsuleVersion: 'beta',
				metadata: { name: 'cap', labels: { a: 'b' } },
				spec: {
					containers: [
						{
							image: 'zunbox/busybox:latest',
							command: ['sleep', '9'],
							resources: { requests: { cpu: 1, memory: 64 } },
							volumeMounts: [{ name: 'vol', mountPath: '/v' }],
						},
					],
					volumes: [{ name: 'vol', cinder: { size: 1, autoRemove: true } }],
				},
			},
		},
	],
	'POST /v1/registries': [{ registry: { name: 'reg', domain: 'reg.test', username: 'u', password: 'p' } }],
	'POST /v1/images': [{ repo: 'zunbox/busybox', host: 'host-1' }],
	'PUT /v1/quotas/{project_id}': [{ containers: 20, memory: 1000, cpu: 5, disk: 10 }],
	'POST /network/v2.0/networks': [{ network: { name: 'n1', admin_state_up: true } }],
	'POST /network/v2.0/subnets': [{ subnet: { network_id: '{lan}', ip_version: 4, cidr: '10.9.0.0/24', gateway_ip: '10.9.0.1' } }],
	'POST /network/v2.0/ports': [{ port: { network_id: '{lan}', fixed_ips: [{ ip_address: '10.8.0.7' }], security_groups: [] } }],
	'POST /network/v2.0/security-groups': [{ security_group: { name: 'g1', description: 'd' } }],
	'POST /network/v2.0/security-group-rules': [
		{ security_group_rule: { security_group_id: '{group}', direction: 'ingress', protocol: 'tcp', port_range_min: 1, port_range_max: 9 } },
	],
	'PUT /network/v2.0/networks/{id}': [{ network: { name: 'lan', admin_state_up: true } }],
	'PUT /network/v2.0/subnets/{id}': [
		{ subnet: { name: 'block', dns_nameservers: ['1.1.1.1'], host_routes: [{ destination: '10.7.0.0/16', nexthop: '10.8.0.3' }] } },
	],
	'PUT /network/v2.0/ports/{id}': [
		{ port: { name: 'plug', security_groups: ['{group}'], allowed_address_pairs: [{ ip_address: '10.8.0.44' }] } },
	],
	'PUT /network/v2.0/security-groups/{id}': [{ security_group: { name: 'web', description: 'x' } }],
	'PATCH /v1/capsules/{id}': [{ name: 'cap', labels: { a: 'c' } }],
	'PATCH /v1/registries/{id}': [{ registry: { name: 'mine', password: 'q' } }],
	'PUT /v1/services/disable': [{ host: 'host-2', binary: 'zun-compute', disabled_reason: 'x' }],
	'PUT /v1/services/enable': [{ host: 'host-1', binary: 'zun-compute' }],
	'PATCH /identity/v3/users/{userId}': [{ user: { email: 'a@b.test', enabled: true, password: 'secret too' } }],
	'PATCH /identity/v3/projects/{projectId}': [{ project: { description: 'd', enabled: true } }],
	'POST /identity/v3/users/{userId}/password': [{ user: { original_password: 'secret', password: 'secret too' } }],
	'POST /identity/v3/users/{userId}/application_credentials': [
		{ application_credential: { name: 'robot', roles: [{ name: 'reader' }], expires_at: '2099-01-01T00:00:00Z', secret: 'long enough' } },
	],
	'POST /identity/v3/projects': [{ project: { name: 'p1', description: 'd', enabled: true } }],
	'POST /identity/v3/users': [{ user: { name: 'u1', password: 'long enough', enabled: true } }],
	'POST /identity/v3/auth/tokens': [
		{
			auth: { identity: { methods: ['password'], password: { user: { name: 'victim', domain: { id: 'default' }, password: 'secret' } } } },
		},
		{ auth: { identity: { methods: ['token'], token: { id: 'x' } }, scope: { project: { name: 'victim', domain: { name: 'Default' } } } } },
	],
};

const oddValues = fc.constantFrom<unknown>(
	null,
	true,
	'',
	' ',
	'None',
	-1,
	0,
	0.5,
	1e21,
	1e308,
	Number.MAX_SAFE_INTEGER,
	'NaN',
	'Infinity',
	'1e999',
	'0x10',
	'9'.repeat(400),
	'x'.repeat(10_000),
	'\u202e\u{1f4a3}',
	'\ud800',
	'../../etc/passwd',
	'a\r\nb: c',
	'::ffff:1.2.3.4',
	'0.0.0.0/0',
	'::/0',
	'10.9.0.0/99',
	'sha256:',
	'a@b@c',
	'[::1]:80/x:y',
	[],
	{},
	[[]],
	[null],
	Array.from({ length: 500 }, (_, index) => `item-${index}`),
	{ a: { b: { c: {} } } },
	{ toString: 1, valueOf: 2, length: 3 },
);

/** A right body with up to two things wrong, at any depth; null = none is known for the operation. */
export function mutated(operation: string): fc.Arbitrary<unknown> | null {
	const bodies = rightBodies[operation];
	if (bodies === undefined) return null;
	const change = fc.record({ at: fc.nat(), value: oddValues, how: fc.constantFrom('replace', 'remove', 'add', 'wrap') });
	return fc
		.tuple(fc.constantFrom(...bodies), fc.array(change, { maxLength: 2 }))
		.map(([body, changes]) => changes.reduce<unknown>((value, { at, value: odd, how }) => changed(value, at, odd, how), body));
}

function changed(root: unknown, at: number, odd: unknown, how: string): unknown {
	const copy: unknown = structuredClone(root);
	const places = placesOf(copy);
	const place = places[at % places.length];
	if (place === undefined) return copy;
	const { holder, key } = place;
	if (how === 'replace') Reflect.set(holder, key, odd);
	else if (how === 'remove') Reflect.deleteProperty(holder, key);
	else if (how === 'add') Reflect.set(holder, `${key}_`, odd);
	else Reflect.set(holder, key, [Reflect.get(holder, key)]);
	return copy;
}

function placesOf(value: unknown): { readonly holder: object; readonly key: string }[] {
	if (typeof value !== 'object' || value === null) return [];
	return Object.entries(value).flatMap(([key, inner]) => [{ holder: value, key }, ...placesOf(inner)]);
}
