import { eventually } from '../../support/eventually.ts';
import { type Account, type Fields, listIn } from '../cloud/account.ts';

/** Deletes every server, port of a server and volume of the cloud, by the services' own means, and waits until they are gone. */
export async function clearCloud(admin: Account): Promise<void> {
	const servers = await eventually('Nova answers', () => admin.list('nova', 'GET /servers?all_tenants=1', 'servers'), { timeout: 60_000 });
	for (const { id } of servers) await admin.call('nova', `DELETE /servers/${id}`);
	await eventually(
		'all servers are gone',
		async () => {
			const left = await admin.list('nova', 'GET /servers?all_tenants=1', 'servers');
			// What its host does not answer for is gone for Nova nevertheless.
			for (const { id } of left) await admin.call('nova', `POST /servers/${id}/action`, { forceDelete: null });
			return left.length === 0;
		},
		{ timeout: 120_000, interval: 1000 },
	);
	for (const { id } of await serverPorts(admin)) await admin.call('neutron', `DELETE /v2.0/ports/${id}`);
	await eventually(
		'all volumes are gone',
		async () => {
			const volumes = listIn(await admin.ok('cinder', 'GET /volumes/detail?all_tenants=1'), 'volumes');
			for (const { id, status } of volumes) {
				if (status === 'deleting') continue;
				await admin.call('cinder', `POST /volumes/${id}/action`, { 'os-reset_status': { status: 'available', attach_status: 'detached' } });
				await admin.call('cinder', `DELETE /volumes/${id}`);
			}
			return volumes.length === 0;
		},
		{ timeout: 60_000, interval: 500 },
	);
}

/** Ports that are not the network service's own. */
export async function serverPorts(admin: Account): Promise<readonly Fields[]> {
	const ports = await admin.list('neutron', 'GET /v2.0/ports', 'ports');
	return ports.filter((port) => !String(port['device_owner']).startsWith('network:'));
}
