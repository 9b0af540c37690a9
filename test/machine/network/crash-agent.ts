/** An agent for crash tests: applies the spec, plugs, unplugs and clears as its argument (a file's path) says, and ends. */
import { readFileSync } from 'node:fs';
import { KernelNetworking } from '../../../src/agent/network/kernel-networking.ts';
import type { HostNetworkSpec, PortSpec } from '../../../src/model/spec.ts';

export interface CrashPlan {
	readonly owner: string;
	readonly first: HostNetworkSpec;
	readonly second: HostNetworkSpec;
	readonly port: PortSpec;
	readonly path: string;
}

const plan: CrashPlan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const networking = new KernelNetworking({ owner: plan.owner });
const signal = AbortSignal.timeout(30_000);
await networking.apply(plan.first, signal);
await networking.plug('sandbox', plan.port, plan.path, signal);
await networking.check(signal);
await networking.apply(plan.second, signal);
await networking.unplug(plan.port.id, signal);
await networking.plug('sandbox', plan.port, plan.path, signal);
await networking.clear(signal);
