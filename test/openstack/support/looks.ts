/** What a sandbox is at the other services and on the host, looked at without the service under test. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { number, text } from '../../../src/drivers/docker/engine/json.ts';
import { containersOf, type EngineContainer, engineOk } from '../../support/docker.ts';
import { eventually } from '../../support/eventually.ts';
import { type Account, type Fields, fieldsIn, listIn } from '../cloud/account.ts';
import type { CloudWorld } from './world.ts';

const run = promisify(execFile);

/** The only server that was made for the sandbox, as Nova shows it. */
export async function serverOf(admin: Account, sandboxId: unknown): Promise<Fields> {
	const servers = await admin.list('nova', 'GET /servers/detail?all_tenants=1', 'servers');
	const found = servers.filter((server) => fieldsIn(server, 'metadata')['zunbox_sandbox'] === sandboxId);
	const [server] = found;
	if (server === undefined || found.length > 1) throw new Error(`${found.length} servers were made for ${sandboxId}`);
	return server;
}

/** Waits until Nova shows the sandbox's server with that status, and is doing nothing with it. */
export async function novaSays(admin: Account, sandboxId: unknown, status: string): Promise<void> {
	const look = async () => {
		const server = await serverOf(admin, sandboxId);
		if (server['status'] !== status || server['OS-EXT-STS:task_state'] !== null) throw new Error(JSON.stringify(server));
		return true;
	};
	await eventually(`Nova says ${status}`, look, { timeout: 90_000, interval: 300 });
}

/** Ports of a server, as Neutron shows them. */
export async function portsOf(admin: Account, serverId: unknown): Promise<readonly Fields[]> {
	return await admin.list('neutron', `GET /v2.0/ports?device_id=${serverId}`, 'ports');
}

export function addressesOf(port: Fields): readonly string[] {
	return listIn(port, 'fixed_ips').map((ip) => String(ip['ip_address']));
}

/** What the engine has of a sandbox: what holds its namespaces first. */
export async function engineContainers(world: CloudWorld, sandboxId: unknown): Promise<readonly EngineContainer[]> {
	const found = (await containersOf(world.service.owner)).filter(({ Labels }) => Labels['zunbox.sandbox'] === sandboxId);
	const isHolder = ({ Names }: EngineContainer) => Names.join().includes('zunbox-sandbox-');
	return [...found.filter(isHolder), ...found.filter((container) => !isHolder(container))];
}

/** Process that holds the sandbox's namespaces. */
async function holderPid(world: CloudWorld, sandboxId: unknown): Promise<number> {
	const [holder] = await engineContainers(world, sandboxId);
	if (holder === undefined) throw new Error(`the engine has nothing of ${sandboxId}`);
	return number((await engineOk('GET', `/containers/${holder.Id}/json`)).json(), 'State', 'Pid');
}

/** Id of the engine's container that holds the sandbox's namespaces. */
export async function holderId(world: CloudWorld, sandboxId: unknown): Promise<string> {
	const [holder] = await engineContainers(world, sandboxId);
	return text({ Id: holder?.Id }, 'Id');
}

/** Runs a program of the host in the sandbox's network; what it wrote. */
export async function inNetworkOf(world: CloudWorld, sandboxId: unknown, ...command: readonly [string, ...string[]]): Promise<string> {
	const { stdout } = await run('nsenter', ['--net', `--target=${await holderPid(world, sandboxId)}`, ...command], { timeout: 30_000 });
	return stdout;
}

/** Whether a ping is answered within a second. */
export async function pings(world: CloudWorld, sandboxId: unknown, address: string): Promise<boolean> {
	return await inNetworkOf(world, sandboxId, 'busybox', 'ping', '-c', '1', '-W', '1', address).then(
		() => true,
		() => false,
	);
}

/** Waits until packets pass, or do not: the network service's agent sets rules a moment after it was told. */
export async function passes(what: string, look: () => Promise<boolean>, wanted: boolean): Promise<void> {
	await eventually(`${what} ${wanted ? 'passes' : 'is held up'}`, async () => (await look()) === wanted, {
		timeout: 60_000,
		interval: 300,
	});
}
