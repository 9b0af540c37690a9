/** Whether the cloud's agents work, as the services see it. */
import { Account, type Fields, fieldsIn, listIn } from './account.ts';
import { hostName } from './settings.ts';

const admin = new Account('admin', 'admin');
const isUp = (thing: Fields) => thing['state'] === 'up';

/** Which agent of the network and volume services has not reported yet; null = all have. */
export async function missingAgent(): Promise<string | null> {
	const agents = await admin.list('neutron', 'GET /v2.0/agents', 'agents');
	for (const binary of ['neutron-linuxbridge-agent', 'neutron-dhcp-agent']) {
		if (!agents.some((agent) => agent['binary'] === binary && agent['alive'] === true)) return `${binary} has not reported`;
	}
	const volumes = listIn(await admin.ok('cinder', 'GET /os-services?binary=cinder-volume'), 'services');
	return volumes.some(isUp) ? null : 'cinder-volume has not reported';
}

/** Why Nova cannot build a server yet; null = it can. Its process on the host waits for the service under test. */
export async function missingHost(): Promise<string | null> {
	const services = await admin.list('nova', 'GET /os-services?binary=nova-compute', 'services');
	if (!services.some(isUp)) return 'nova-compute has not reported';
	const hypervisors = await admin.list('nova', 'GET /os-hypervisors/detail', 'hypervisors');
	if (hypervisors.some((hypervisor) => isUp(hypervisor) && fieldsIn(hypervisor, 'service')['host'] === hostName)) return null;
	return `Nova has not mapped ${hostName} to its cell`;
}
