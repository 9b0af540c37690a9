/** What is somewhere of what tests made: in the service, in the cloud, on the host. Where nothing is wanted it is empty. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { readLoopDevices } from '../../../src/agent/volumes/loop-devices.ts';
import { readMounts } from '../../../src/agent/volumes/mounts.ts';
import type { CrashService } from '../../support/crash-service.ts';
import { containersOf } from '../../support/docker.ts';
import { inconsistencies, query } from '../../support/leaks.ts';
import { type Account, fieldsIn, listIn } from '../cloud/account.ts';
import { Place } from '../cloud/place.ts';
import { serverPorts } from './clear.ts';

/** What a test keeps, by ids. */
export interface Kept {
	/** Of the test's own. */
	readonly ports?: readonly string[];
	readonly volumes?: readonly string[];
	/** Sandboxes that are still shown, though nothing else is left of them. */
	readonly rows?: readonly string[];
}

/** In words. */
export async function leftovers(service: CrashService, admin: Account, kept: Kept): Promise<readonly string[]> {
	const { ports = [], volumes = [], rows = [] } = kept;
	const found = await Promise.all([inService(service, rows), inCloud(admin, ports, volumes), onHost(service, admin, ports)]);
	return found.flat();
}

/** Rows of the service's own database. */
function inService({ database }: CrashService, shown: readonly string[]): readonly string[] {
	const tables = ['sandbox', 'container', 'claim', 'volume_attachment', 'server', 'server_port', 'server_volume'];
	const rows = tables.flatMap((table) => query(database, `select * from ${table}`).map((row) => ({ table, row })));
	const left = rows.filter(({ row }) => !shown.includes(String(row['sandbox_id'] ?? row['id'])));
	return [...left.map(({ table, row }) => `${table}: ${JSON.stringify(row)}`), ...inconsistencies(database)];
}

async function inCloud(admin: Account, kept: readonly string[], keptVolumes: readonly string[]): Promise<readonly string[]> {
	const servers = await admin.list('nova', 'GET /servers?all_tenants=1', 'servers');
	const ports = (await serverPorts(admin)).filter((port) => !kept.includes(String(port['id'])));
	const volumes = listIn(await admin.ok('cinder', 'GET /volumes/detail?all_tenants=1'), 'volumes');
	const attachments = listIn(await admin.ok('cinder', 'GET /attachments?all_tenants=1'), 'attachments');
	const allocations: string[] = [];
	for (const { uuid } of await admin.list('placement', 'GET /resource_providers', 'resource_providers')) {
		const held = await admin.ok('placement', `GET /resource_providers/${uuid}/allocations`);
		allocations.push(...Object.keys(fieldsIn(held, 'allocations')));
	}
	return [
		...servers.map(({ id, name }) => `server ${name} (${id})`),
		...ports.map((port) => `port ${port['name']} (${port['id']}, ${port['device_owner']} ${port['device_id']})`),
		...volumes
			.filter(({ id, status }) => !keptVolumes.includes(String(id)) || status !== 'available')
			.map(({ id, status }) => `volume ${id} (${status})`),
		...attachments.map(({ id, volume_id: volume }) => `attachment ${id} of volume ${volume}`),
		...allocations.map((consumer) => `allocation of ${consumer}`),
	];
}

async function onHost({ owner, data }: CrashService, admin: Account, kept: readonly string[]): Promise<readonly string[]> {
	const below = (file: string) => file.startsWith(`${Place.current().folder}/`);
	const containers = await containersOf(owner);
	const loops = (await readLoopDevices()).map(({ file }) => file).filter(below);
	const mounts = (await readMounts()).map(({ point }) => point).filter((point) => point.startsWith(`${data}/`));
	// Links of the network service's own, such as its DHCP servers', and of ports that stay.
	const ports = await admin.list('neutron', 'GET /v2.0/ports', 'ports');
	const own = ports.filter((port) => String(port['device_owner']).startsWith('network:') || kept.includes(String(port['id'])));
	const known = new Set(own.map((port) => `tap${String(port['id']).slice(0, 11)}`));
	const taps = readdirSync('/sys/class/net').filter((link) => link.startsWith('tap') && !known.has(link));
	return [
		...containers.map((container) => `container ${container.Names.join()}`),
		...loops.map((file) => `loop device of ${file}`),
		...mounts.map((point) => `mount at ${point}`),
		...taps.map((link) => `link ${link}`),
		...rules('iptables-save', [])
			.filter((tap) => !known.has(tap))
			.map((tap) => `firewall rule of ${tap}`),
		...rules('ebtables-nft', ['-t', 'nat', '-L'])
			.filter((tap) => !known.has(tap))
			.map((tap) => `bridge rule of ${tap}`),
	];
}

/** Links that rules are about. */
function rules(program: string, words: readonly string[]): readonly string[] {
	const text = execFileSync(program, [...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 30_000 });
	return [...new Set(text.match(/\btap[0-9a-f]{8}-[0-9a-f]{2}\b/g) ?? [])];
}
