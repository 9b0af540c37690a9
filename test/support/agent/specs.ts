import type { ContainerState, SandboxState } from '../../../src/drivers/driver.ts';
import type { ContainerSpec, OperationSpec, PortSpec, SandboxSpec, VolumeSpec } from '../../../src/model/spec.ts';

/** A sandbox as control describes it, with what the test says. */
export function sandboxSpec(fields: Partial<SandboxSpec> = {}): SandboxSpec {
	return {
		id: 'sandbox-1',
		name: 'box',
		projectId: 'project-1',
		version: 1,
		driver: 'fake',
		goal: 'Running',
		operation: null,
		hostname: 'box',
		namespaces: { net: true, ipc: true, pid: true },
		runtime: null,
		cpu: null,
		memory: null,
		labels: {},
		ports: [],
		volumes: [],
		hosts: [],
		dns: { nameservers: [], search: [] },
		containers: [],
		...fields,
	};
}

export function containerSpec(fields: Partial<ContainerSpec> = {}): ContainerSpec {
	return {
		id: 'container-1',
		name: 'web',
		kind: 'container',
		goal: 'Running',
		operation: null,
		revision: 1,
		image: 'zunbox/busybox:latest',
		imageDriver: 'docker',
		imagePullPolicy: 'ifnotpresent',
		registryAuth: null,
		command: ['sleep', '1000'],
		entrypoint: null,
		cpu: null,
		memory: null,
		disk: null,
		pids: null,
		workdir: null,
		hostname: null,
		environment: {},
		labels: {},
		interactive: false,
		tty: false,
		privileged: false,
		restartPolicy: null,
		healthcheck: null,
		exposedPorts: [],
		mounts: [],
		restartCount: 0,
		...fields,
	};
}

export function operation(kind: string, fields: Partial<OperationSpec> = {}): OperationSpec {
	return { id: `operation-${kind}`, kind, args: {}, startedAt: null, ...fields };
}

export function portSpec(id: string): PortSpec {
	const address = { address: '10.0.0.2', prefixLength: 24, version: 4, gateway: '10.0.0.1' } as const;
	return {
		id,
		networkId: 'network-1',
		interfaceName: 'eth0',
		macAddress: 'fa:16:3e:00:00:01',
		mtu: 1500,
		addresses: [address],
		routes: [],
		binding: { type: 'embedded' },
	};
}

export function volumeSpec(id: string, fields: Partial<VolumeSpec> = {}): VolumeSpec {
	return { id, provider: 'local', size: 1, readOnly: false, contents: null, detached: false, ...fields };
}

export function holderState(fields: Partial<SandboxState> = {}): SandboxState {
	return { id: 'sandbox-1', status: 'running', startedAt: 1_000, finishedAt: null, ...fields };
}

export function containerState(fields: Partial<ContainerState> = {}): ContainerState {
	return {
		id: 'container-1',
		sandboxId: 'sandbox-1',
		revision: 1,
		runtimeId: 'engine-1',
		status: 'running',
		exitCode: null,
		oomKilled: false,
		error: null,
		health: null,
		startedAt: 2_000,
		finishedAt: null,
		command: ['sleep', '1000'],
		entrypoint: [],
		workdir: null,
		hostname: null,
		ports: [],
		joinsCurrentSandbox: true,
		...fields,
	};
}
