import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { HostNetwork, HostSecurityGroup, PortSpec } from '../../src/model/spec.ts';
import type { Box } from '../machine/network/lab.ts';
import { everythingOut, Lab, rule, signal } from '../machine/network/lab.ts';

/** A host with ports that are really plugged, spread over three networks and fifty groups. */
class Scale {
	readonly lab: Lab;
	readonly networks: readonly HostNetwork[];
	readonly groups: readonly HostSecurityGroup[];
	readonly #boxes: Box[] = [];
	#next = 0;

	constructor(t: TestContext) {
		this.lab = new Lab(t);
		this.networks = [0, 1, 2].map((index) => this.lab.network({ subnets: [`10.${index}.0.0/16`, `fd0${index}::/64`], external: true }));
		this.groups = Array.from({ length: 50 }, () => this.lab.group([]));
		for (const group of this.groups) this.lab.changeGroup(group.id, { rules: rulesOf(group.id, 80) });
	}

	/** Adds a port to the spec; its group's members grow with it. */
	async add(group = this.#next % 50): Promise<readonly [Box, PortSpec]> {
		const index = this.#next;
		this.#next += 1;
		// Links of one namespace share a lock, so sandboxes have a few ports each.
		let box = this.#boxes.at(-1);
		if (box === undefined || index % 20 === 0) {
			box = await this.lab.box(`s${index}`);
			this.#boxes.push(box);
		}
		const network = this.networks[index % 3];
		const id = this.groups[group]?.id;
		assert.ok(network !== undefined && id !== undefined);
		const host = index + 16;
		const addresses = [`10.${index % 3}.${host >> 8}.${host & 255}`, `fd0${index % 3}::${host.toString(16)}`];
		const known = this.lab.groups.find((candidate) => candidate.id === id);
		const here = known?.membersByNetwork?.[network.id] ?? [];
		this.lab.changeGroup(id, {
			members: [...(known?.members ?? []), ...addresses],
			membersByNetwork: { ...known?.membersByNetwork, [network.id]: [...here, ...addresses] },
		});
		return [box, this.lab.port(network.id, box, addresses, { securityGroupIds: [id], interfaceName: `eth${index % 20}` })];
	}

	async grow(count: number, group?: number): Promise<void> {
		const added = [];
		for (let index = 0; index < count; index += 1) added.push(await this.add(group));
		await this.lab.apply();
		for (const [box, port] of added) await this.lab.plug(box, port);
	}

	/** What adding one port takes: its rules, link and addresses. */
	async costOfOne(): Promise<Cost> {
		const applied: number[] = [];
		const plugged: number[] = [];
		const before = cpuTime();
		for (let round = 0; round < rounds; round += 1) {
			const [box, port] = await this.add();
			applied.push(await timed(() => this.lab.apply()));
			plugged.push(await timed(() => this.lab.plug(box, port)));
		}
		return { apply: quick(applied), plug: quick(plugged), cpu: (cpuTime() - before) / rounds };
	}
}

const rounds = 20;

/** ms; of the wall clock the fastest quarter, since other work on the machine only ever adds to it. */
interface Cost {
	readonly apply: number;
	readonly plug: number;
	readonly cpu: number;
}

function rulesOf(groupId: string, port: number): HostSecurityGroup['rules'] {
	return [
		...everythingOut,
		rule('ingress', { remoteGroupId: groupId }),
		rule('ingress', { protocol: 'tcp', portRangeMin: port, portRangeMax: port }),
	];
}

async function timed(work: () => Promise<unknown>): Promise<number> {
	const start = performance.now();
	await work();
	return performance.now() - start;
}

function quick(values: readonly number[]): number {
	return [...values].sort((one, other) => one - other)[values.length >> 2] ?? Number.NaN;
}

/** CPU time of this process and of the programs that it ran, ms. */
function cpuTime(): number {
	const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
	return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0);
}

test('1,000 ports and 50 groups on one host', { timeout: 900_000 }, async (t) => {
	const scale = new Scale(t);
	await scale.grow(10);
	await scale.costOfOne();
	const few = await scale.costOfOne();
	// A hundred ports in one group, and the others spread over all.
	await scale.grow(100, 7);
	await scale.grow(850);
	await scale.costOfOne();
	const many = await scale.costOfOne();
	const text = ({ apply, plug, cpu }: Cost): string =>
		`rules ${apply.toFixed(1)} ms, link ${plug.toFixed(1)} ms, processor ${cpu.toFixed(1)} ms`;
	t.diagnostic(`adding one port at 10 ports: ${text(few)}`);
	t.diagnostic(`adding one port at 1,000 ports: ${text(many)}`);

	const [group] = scale.groups.slice(7);
	assert.ok(group !== undefined);
	const [client, clientPort] = await scale.add(3);
	const [server, serverPort] = await scale.add(7);
	await scale.lab.apply();
	await scale.lab.plug(client, clientPort);
	await scale.lab.plug(server, serverPort);
	const changes: number[] = [];
	for (let round = 0; round < 9; round += 1) {
		scale.lab.changeGroup(group.id, { rules: rulesOf(group.id, 81 + round) });
		changes.push(await timed(() => scale.lab.apply()));
	}
	t.diagnostic(`a rule of a group with over 100 ports: ${quick(changes).toFixed(1)} ms`);

	for (let round = 0; round < 4; round += 1) await scale.lab.networking.check(signal());
	const before = cpuTime();
	for (let round = 0; round < 6; round += 1) assert.deepEqual(await scale.lab.networking.check(signal()), []);
	const check = (cpuTime() - before) / 6;
	t.diagnostic(`a look at everything: ${check.toFixed(1)} ms of CPU`);

	// The processor's time, since the clock's depends on what else the machine does.
	assert.ok(many.cpu <= 2 * few.cpu, `${text(many)} at 1,000 ports, ${text(few)} at 10`);
	assert.ok(quick(changes) < 300, `${quick(changes)} ms`);
	// On an idle machine it is about half of this.
	assert.ok(check < 400, `${check} ms`);
});
