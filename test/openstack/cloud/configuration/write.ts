import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Place } from '../place.ts';
import { password, ports } from '../settings.ts';
import { cinder, nova, novaCompute } from './compute.ts';
import { glance, keystone, placement } from './identity.ts';
import { renderIni, type Sections } from './ini.ts';
import { dhcpAgent, linuxBridgeAgent, ml2, neutron } from './network.ts';

const dataFolders = ['lock', 'tmp', 'neutron', 'nova/instances', 'glance/images', 'cinder/volumes', 'rabbitmq', 'keystone'];

/** Files as the packages bring them, which only say in which order a request passes through the service's parts. */
const pipelines = {
	glance: '/usr/share/glance-common/glance-api-paste.ini',
	neutron: '/usr/share/neutron-common/api-paste.ini',
	nova: '/usr/share/nova-common/api-paste.ini',
	cinder: '/usr/share/cinder-common/api-paste.ini',
} as const;

const broker = `listeners.tcp.local = 127.0.0.1:${ports.broker}
default_user = cloud
default_pass = ${password}
default_permissions.configure = .*
default_permissions.read = .*
default_permissions.write = .*
default_user_tags.administrator = true
log.file.level = warning
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 100MB
`;

export function writeConfiguration(place: Place): void {
	for (const folder of ['log', 'run', 'bin', ...dataFolders.map((name) => `data/${name}`)]) {
		mkdirSync(path.join(place.folder, folder), { recursive: true });
	}
	const files: Readonly<Record<string, Sections>> = {
		'keystone/keystone.conf': keystone(place),
		'placement/placement.conf': placement(place),
		'glance/glance-api.conf': glance(place),
		'neutron/neutron.conf': neutron(place),
		'neutron/ml2_conf.ini': ml2,
		'neutron/linuxbridge_agent.ini': linuxBridgeAgent,
		'neutron/dhcp_agent.ini': dhcpAgent,
		'nova/nova.conf': nova(place),
		'nova/nova-compute.conf': novaCompute(place),
		'cinder/cinder.conf': cinder(place),
	};
	for (const [name, sections] of Object.entries(files)) write(place.etc(name), renderIni(sections));
	for (const [service, source] of Object.entries(pipelines)) copyFileSync(source, place.etc(service, path.basename(source)));
	write(place.etc('rabbitmq/rabbitmq.conf'), broker);
	write(place.etc('rabbitmq/environment.conf'), '');
	write(place.etc('rabbitmq/plugins'), '[].\n');
	const ebtables = path.join(place.folder, 'bin', 'ebtables');
	copyFileSync(path.join(import.meta.dirname, '..', 'ebtables.sh'), ebtables);
	chmodSync(ebtables, 0o755);
}

function write(file: string, text: string): void {
	mkdirSync(path.dirname(file), { recursive: true });
	writeFileSync(file, text);
}
