import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { KernelNetworking } from '../../../src/agent/network/kernel-networking.ts';
import type {
	HostNetwork,
	HostNetworkSpec,
	HostPort,
	HostPublishedPort,
	HostSecurityGroup,
	HostSecurityGroupRule,
	PortSpec,
} from '../../../src/model/spec.ts';
import { eventually } from '../../support/eventually.ts';

const probe = path.join(import.meta.dirname, 'probe.py');

export interface Finished {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
}

export async function run(command: string, args: readonly string[], input = ''): Promise<Finished> {
	return await new Promise((resolve) => {
		const child = execFile(command, [...args], { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
			resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 255, stdout, stderr });
		});
		child.stdin?.on('error', () => {});
		child.stdin?.end(input);
	});
}

/** Like `run`, for what must succeed. */
export async function must(command: string, args: readonly string[], input = ''): Promise<string> {
	const finished = await run(command, args, input);
	if (finished.code !== 0) throw new Error(`${command} ${args.join(' ')}: ${finished.stderr || finished.stdout}`);
	return finished.stdout;
}

/** A process that runs on in a sandbox; its lines of output so far. */
export interface Background {
	readonly lines: readonly string[];
	stop(): Promise<void>;
}

/** A network namespace that stands in for a sandbox, and what a program in it can do. */
export class Box {
	readonly name: string;
	readonly sandboxId = randomUUID();
	readonly #background: ChildProcess[] = [];

	constructor(name: string) {
		this.name = name;
	}

	get path(): string {
		return `/run/netns/${this.name}`;
	}

	async run(command: string, args: readonly string[], input = ''): Promise<Finished> {
		return await run('nsenter', [`--net=${this.path}`, command, ...args], input);
	}

	async reaches(protocol: 'tcp' | 'udp', address: string, port: number, timeout = 1): Promise<boolean> {
		return (await this.run('python3', [probe, 'ask', protocol, address, String(port), String(timeout)])).code === 0;
	}

	async pings(address: string): Promise<boolean> {
		return (await this.run('busybox', [address.includes(':') ? 'ping6' : 'ping', '-c', '1', '-W', '1', address])).code === 0;
	}

	async serve(...what: string[]): Promise<Background> {
		return await this.#start(['serve', ...what], 'ready');
	}

	async stream(protocol: 'tcp' | 'udp' | 'push', address: string, port: number): Promise<Background> {
		return await this.#start(['stream', protocol, address, String(port)], 'open');
	}

	async sniff(device = 'eth0'): Promise<Background> {
		return await this.#start(['sniff', device], 'ready');
	}

	async send(frames: readonly string[], device = 'eth0'): Promise<void> {
		const sent = await this.run('python3', [probe, 'send', device], `${frames.join('\n')}\n`);
		if (sent.code !== 0) throw new Error(sent.stderr);
	}

	async #start(args: readonly string[], first: string): Promise<Background> {
		const child = spawn('nsenter', [`--net=${this.path}`, 'python3', probe, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
		this.#background.push(child);
		const lines: string[] = [];
		let rest = '';
		let complaints = '';
		child.stdout.on('data', (chunk: Buffer) => {
			const parts = (rest + chunk.toString()).split('\n');
			rest = parts.pop() ?? '';
			lines.push(...parts);
		});
		child.stderr.on('data', (chunk: Buffer) => {
			complaints += chunk.toString();
		});
		await eventually(`${args.join(' ')} says ${first}`, () => {
			if (child.exitCode !== null) throw new Error(complaints);
			return lines.includes(first);
		});
		return { lines, stop: () => stopped(child) };
	}

	async close(): Promise<void> {
		await Promise.all(this.#background.map(stopped));
		await run('ip', ['netns', 'del', this.name]);
	}
}

async function stopped(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const gone = new Promise((resolve) => child.once('exit', resolve));
	child.kill('SIGKILL');
	await gone;
}

/** One installation on this machine, with all that it makes gone after the test. */
export class Lab {
	readonly owner = `test-${randomBytes(6).toString('hex')}`;
	readonly tag = randomBytes(4).toString('hex');
	readonly boxes: Box[] = [];
	networking: KernelNetworking;
	networks: HostNetwork[] = [];
	groups: HostSecurityGroup[] = [];
	published: HostPublishedPort[] = [];
	readonly uplinks: readonly string[];
	#version = 0;

	constructor(t: Pick<TestContext, 'after'>, options: { readonly uplinks?: readonly string[] } = {}) {
		this.uplinks = options.uplinks ?? [];
		this.networking = this.restarted();
		t.after(async () => {
			await Promise.all(this.boxes.map((box) => box.close()));
			await this.networking.clear(signal());
		});
	}

	/** Another agent of the same installation, as after a crash. */
	restarted(): KernelNetworking {
		return new KernelNetworking({ owner: this.owner, uplinks: this.uplinks });
	}

	get spec(): HostNetworkSpec {
		this.#version += 1;
		return { version: this.#version, networks: this.networks, securityGroups: this.groups, publishedPorts: this.published };
	}

	async apply(): Promise<void> {
		await this.networking.apply(this.spec, signal());
	}

	async box(name: string): Promise<Box> {
		const box = new Box(`zt-${this.tag}-${name}`);
		this.boxes.push(box);
		await must('ip', ['netns', 'add', box.name]);
		return box;
	}

	network(options: { readonly external?: boolean; readonly subnets: readonly string[]; readonly id?: string }): HostNetwork {
		const network: HostNetwork = {
			id: options.id ?? randomUUID(),
			mtu: 1450,
			external: options.external ?? false,
			subnets: options.subnets.map((cidr) => ({
				id: randomUUID(),
				version: cidr.includes(':') ? 6 : 4,
				cidr,
				gateway: cidr.replace(/\.0\/\d+$/, '.1').replace(/::\/\d+$/, '::1'),
			})),
			ports: [],
		};
		this.networks = [...this.networks, network];
		return network;
	}

	/** Adds a port to a network's spec and answers what plugs it. */
	port(
		networkId: string,
		box: Box,
		addresses: readonly string[],
		options: Partial<HostPort> & { readonly interfaceName?: string } = {},
	): PortSpec {
		const { interfaceName = 'eth0', ...changes } = options;
		const macAddress = `fa:16:3e:${(randomBytes(3).toString('hex').match(/../g) ?? []).join(':')}`;
		const port: HostPort = {
			id: randomUUID(),
			sandboxId: box.sandboxId,
			macAddress,
			addresses,
			allowedAddressPairs: [],
			portSecurity: true,
			adminStateUp: true,
			securityGroupIds: [],
			...changes,
		};
		this.changeNetwork(networkId, (network) => ({ ...network, ports: [...network.ports, port] }));
		const network = this.networks.find((candidate) => candidate.id === networkId);
		return {
			id: port.id,
			networkId,
			interfaceName,
			macAddress: port.macAddress,
			mtu: 1450,
			addresses: addresses.map((address) => {
				const version = address.includes(':') ? 6 : 4;
				const subnet = network?.subnets.find((candidate) => candidate.version === version);
				return { address, prefixLength: Number(subnet?.cidr.split('/')[1]), version, gateway: subnet?.gateway ?? null };
			}),
			routes: [],
			binding: { type: 'embedded' },
		};
	}

	changeNetwork(id: string, change: (network: HostNetwork) => HostNetwork): void {
		this.networks = this.networks.map((network) => (network.id === id ? change(network) : network));
	}

	changePort(id: string, change: Partial<HostPort>): void {
		this.networks = this.networks.map((network) => ({
			...network,
			ports: network.ports.map((port) => (port.id === id ? { ...port, ...change } : port)),
		}));
	}

	group(rules: readonly HostSecurityGroupRule[], members: readonly string[] = []): HostSecurityGroup {
		const group: HostSecurityGroup = { id: randomUUID(), rules, members };
		this.groups = [...this.groups, group];
		return group;
	}

	changeGroup(id: string, change: Partial<HostSecurityGroup>): void {
		this.groups = this.groups.map((group) => (group.id === id ? { ...group, ...change } : group));
	}

	async plug(box: Box, port: PortSpec): Promise<void> {
		await this.networking.plug(box.sandboxId, port, box.path, signal());
	}
}

export function signal(): AbortSignal {
	return AbortSignal.timeout(60_000);
}

export function rule(direction: 'ingress' | 'egress', change: Partial<HostSecurityGroupRule> = {}): HostSecurityGroupRule {
	return {
		direction,
		version: 4,
		protocol: null,
		portRangeMin: null,
		portRangeMax: null,
		remoteIpPrefix: null,
		remoteGroupId: null,
		...change,
	};
}

/** Everything out, in both families. */
export const everythingOut: readonly HostSecurityGroupRule[] = [rule('egress'), rule('egress', { version: 6 })];
