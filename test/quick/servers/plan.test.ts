/** What the provisioner does next, whatever it finds: what goes, goes in order, and what is made is never forgotten. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { nextStep, type ServerStep } from '../../../src/control/servers/plan.ts';
import { newServer } from '../../../src/control/servers/record.ts';
import type { ServerSight } from '../../../src/control/servers/sight.ts';
import type { SandboxRow } from '../../../src/store/sandboxes.ts';
import type { ServerGroupRow, ServerPortRow, ServerRow } from '../../../src/store/servers.ts';

const request = {
	flavorId: 'f',
	imageId: 'i',
	vcpus: 1,
	memoryMib: 512,
	diskGib: 1,
	availabilityZone: null,
	hints: {},
	requestId: 'req-1',
};

function port(position: number, change: Partial<ServerPortRow> = {}): ServerPortRow {
	return {
		sandbox_id: 's',
		position,
		project_id: 'p',
		network_id: `n${position}`,
		port_id: null,
		made: 1,
		asked: 0,
		wanted: '{"addresses":[],"macAddress":null}',
		secured: 1,
		security_groups: '["g"]',
		groups_set: null,
		mac_address: null,
		fixed_ips: '[]',
		attached: 0,
		binding: null,
		active: 0,
		detaching: 0,
		created_at: 0,
		...change,
	};
}

function group(id: string, change: Partial<ServerGroupRow> = {}): ServerGroupRow {
	return {
		container_id: id,
		sandbox_id: 's',
		project_id: 'p',
		group_id: null,
		exposed: '["80/tcp"]',
		rules_made: 0,
		removing: 0,
		created_at: 0,
		...change,
	};
}

const sandbox: SandboxRow = {
	id: 's',
	name: 's',
	project_id: 'p',
	user_id: 'u',
	host: null,
	availability_zone: null,
	requested_host: null,
	driver: 'fake',
	provider_ids: '{}',
	status: 'Creating',
	status_reason: null,
	task_state: null,
	desired_status: 'Running',
	labels: '{}',
	hostname: 's',
	cpu: null,
	memory: null,
	disk: null,
	namespaces: '{}',
	runtime: null,
	hints: '{}',
	created_by: 'user',
	expires_at: null,
	expires_remaining: null,
	created_at: 0,
	updated_at: 0,
	version: 1,
	spec_version: 1,
};

const noVolumes = { volumes: [] };

function sight(
	change: {
		readonly sandbox?: Partial<SandboxRow>;
		readonly server?: Partial<ServerRow>;
		readonly ports?: readonly ServerPortRow[];
		readonly groups?: readonly ServerGroupRow[];
	} = {},
): ServerSight {
	return {
		sandbox: { ...sandbox, ...change.sandbox },
		server: newServer('s', 'p', request, 0, change.server),
		ports: change.ports ?? [],
		groups: change.groups ?? [],
		operation: null,
		networkOperations: [],
		...noVolumes,
	};
}

const kind = (step: ServerStep | null): string | null => step?.kind ?? null;

/** What a step does where all goes well. */
function carriedOut(seen: ServerSight, step: ServerStep): ServerSight | null {
	const { server, ports, groups } = seen;
	const change = (row: ServerPortRow, fields: Partial<ServerPortRow>) => ports.map((one) => (one === row ? { ...one, ...fields } : one));
	switch (step.kind) {
		case 'make-group':
			return {
				...seen,
				groups: groups.map((one) => (one === step.group ? { ...one, group_id: `id-${one.container_id}`, rules_made: 1 } : one)),
			};
		case 'make-port':
			return {
				...seen,
				ports: change(step.port, { port_id: `port-${step.port.position}`, groups_set: JSON.stringify(step.groupIds ?? []) }),
			};
		case 'learn-port':
			return { ...seen, ports: change(step.port, { groups_set: '["g"]' }) };
		case 'set-groups':
			return { ...seen, ports: change(step.port, { groups_set: JSON.stringify(step.groupIds) }) };
		case 'make-server':
			return { ...seen, server: { ...server, asked: 1, server_id: 'server' }, ports: ports.map((one) => ({ ...one, attached: 1 })) };
		case 'follow-making':
			return { ...seen, server: { ...server, stage: 'standing', ready: 1 }, sandbox: { ...seen.sandbox, host: 'host-1' } };
		case 'attach-port':
			return { ...seen, ports: change(step.port, { attached: 1 }) };
		case 'detach-port':
			return { ...seen, ports: change(step.port, { attached: 0 }) };
		case 'remove-port':
			return { ...seen, ports: ports.filter((one) => one !== step.port) };
		case 'remove-group':
			return { ...seen, groups: groups.filter((one) => one !== step.group) };
		case 'remove-server':
			return { ...seen, server: { ...server, state: 'gone' } };
		case 'leave-host':
			return { ...seen, sandbox: { ...seen.sandbox, host: null } };
		default:
			return null;
	}
}

function run(from: ServerSight): { readonly steps: readonly string[]; readonly end: ServerSight } {
	const steps: string[] = [];
	let seen = from;
	for (let n = 0; n < 60; n += 1) {
		const step = nextStep(seen);
		if (step === null) return { steps, end: seen };
		steps.push(step.kind);
		const next = carriedOut(seen, step);
		if (next === null) return { steps, end: seen };
		seen = next;
	}
	assert.fail(`no end: ${steps.join(', ')}`);
}

const ports = fc.array(
	fc.record({ known: fc.boolean(), made: fc.nat(1), attached: fc.nat(1), detaching: fc.nat(1), secured: fc.nat(1), set: fc.boolean() }),
	{ maxLength: 4 },
);
const groups = fc.array(fc.record({ made: fc.boolean(), removing: fc.nat(1) }), { maxLength: 3 });
const portRows = ports.map((all) =>
	all.map(({ known, made, attached, detaching, secured, set }, position) =>
		port(position, {
			port_id: known || made === 0 ? `port-${position}` : null,
			made,
			attached,
			detaching,
			secured,
			groups_set: set ? '["g"]' : null,
		}),
	),
);
const groupRows = groups.map((all) =>
	all.map(({ made, removing }, n) => group(`c${n}`, { group_id: made ? `id-c${n}` : null, rules_made: made ? 1 : 0, removing })),
);

describe('what the provisioner does next', () => {
	test('makes groups, then ports, then the server, and follows it', () => {
		const { steps } = run(sight({ ports: [port(0), port(1)], groups: [group('c')] }));
		assert.deepEqual(steps, ['make-group', 'make-port', 'make-port', 'make-server', 'follow-making']);
	});

	test('takes all of it away backwards', () => {
		const standing = { server_id: 'server', asked: 1, stage: 'standing' };
		const gone = sight({
			sandbox: { desired_status: 'Deleted', host: 'host-1' },
			server: standing,
			ports: [port(0, { port_id: 'a' })],
			groups: [group('c')],
		});
		assert.deepEqual(run(gone).steps, ['remove-server', 'leave-host', 'remove-port', 'remove-group', 'finish']);
	});

	test('looks at a server that is on no host and was not asked to go', () => {
		assert.equal(kind(nextStep(sight({ server: { server_id: 'server', stage: 'standing' } }))), 'look');
	});

	test('whatever there is of what is to be made, it ends as it is wanted', () => {
		fc.assert(
			fc.property(portRows, groupRows, (somePorts, someGroups) => {
				const { steps, end } = run(sight({ ports: somePorts, groups: someGroups }));
				assert.ok(steps.length > 0);
				assert.deepEqual([end.server.stage, end.server.server_id], ['standing', 'server']);
				assert.equal(end.ports.length, somePorts.filter(({ detaching }) => detaching === 0).length);
				const exposing = end.groups.map(({ group_id }) => group_id ?? '');
				for (const { secured, groups_set } of end.ports) {
					if (secured === 1) assert.deepEqual(JSON.parse(groups_set ?? ''), ['g', ...exposing].sort());
				}
				assert.ok(end.groups.every(({ removing }) => removing === 0));
			}),
		);
	});

	test('whatever there is of what is to go, nothing of it is left, and no port goes before the server', () => {
		const stages = fc.constantFrom('making', 'standing', 'failed');
		fc.assert(
			fc.property(portRows, groupRows, stages, fc.boolean(), fc.nat(2), (somePorts, someGroups, stage, known, asked) => {
				const server = { stage, asked, server_id: known ? 'server' : null };
				const desired_status = stage === 'failed' ? 'Running' : 'Deleted';
				const { steps, end } = run(
					sight({ sandbox: { desired_status, host: known ? 'host-1' : null }, server, ports: somePorts, groups: someGroups }),
				);
				assert.equal(steps.at(-1), 'finish');
				assert.deepEqual([end.ports, end.groups, end.sandbox.host], [[], [], null]);
				if (known || asked > 0) assert.equal(steps[0], 'remove-server');
			}),
		);
	});
});
