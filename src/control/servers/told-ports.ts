import type { FixedIp } from '../../model/network.ts';
import type { ServerPort } from '../../model/server.ts';
import { fromJson } from '../../store/json.ts';
import type { SandboxRow } from '../../store/sandboxes.ts';
import { giveServerWork, serverPorts, updateServerPort } from '../../store/servers.ts';
import type { StoreTransaction } from '../../store/store.ts';
import type { Deps } from '../deps.ts';

/**
 * Writes how a server's ports are wired on its host. `all` = it has no others. One that is not known was attached with
 * the compute service's own tools, and is that service's to delete.
 */
export async function notePorts(
	deps: Deps,
	tx: StoreTransaction,
	sandbox: SandboxRow,
	told: readonly ServerPort[],
	all: boolean,
): Promise<void> {
	const known = await serverPorts(tx, sandbox.id);
	const positions = known.map(({ position }) => position);
	for (const port of told) {
		const row = known.find(({ port_id }) => port_id === port.portId);
		// The host need not be told which subnet an address is of.
		const shown = row === undefined ? [] : fromJson<FixedIp[]>(row.fixed_ips);
		const subnetOf = (address: string) => shown.find(({ ipAddress }) => ipAddress === address)?.subnetId ?? '';
		const fixedIps = port.addresses.map(({ address, subnetId }) => ({ subnetId: subnetId ?? subnetOf(address), ipAddress: address }));
		const wired = {
			binding: JSON.stringify(port),
			mac_address: port.macAddress,
			fixed_ips: JSON.stringify(fixedIps),
			attached: 1,
		};
		if (row !== undefined) {
			await updateServerPort(tx, row, wired);
			continue;
		}
		const position = positions.reduce((next, taken) => Math.max(next, taken + 1), 0);
		positions.push(position);
		await tx
			.insertInto('server_port')
			.values({
				sandbox_id: sandbox.id,
				position,
				project_id: sandbox.project_id,
				network_id: port.networkId,
				port_id: port.portId,
				made: 0,
				asked: 0,
				wanted: JSON.stringify({ addresses: [], macAddress: null }),
				secured: 1,
				security_groups: '[]',
				groups_set: null,
				active: 0,
				detaching: 0,
				created_at: deps.now(),
				...wired,
			})
			.execute();
		await giveServerWork(tx, sandbox.id);
	}
	if (!all) return;
	for (const row of known) {
		if (row.binding === null || told.some(({ portId }) => portId === row.port_id)) continue;
		await updateServerPort(tx, row, { binding: null, active: 0, detaching: 1 });
		await giveServerWork(tx, sandbox.id);
	}
}
