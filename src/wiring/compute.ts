import type { Config } from '../config/schema.ts';
import { type Compute, defaultComputeOptions } from '../control/servers/compute.ts';
import { ServerPlacement } from '../control/servers/server-placement.ts';
import { NovaCompute } from '../providers/compute/nova/nova-compute.ts';
import { NeutronNetworkProvider } from '../providers/network/neutron/neutron-network-provider.ts';
import { NeutronPorts } from '../providers/network/neutron/neutron-ports.ts';
import { NeutronResolver } from '../providers/network/neutron/neutron-resolver.ts';
import { CinderVolumeService } from '../providers/volume/cinder/cinder-volume-service.ts';
import type { Secrets } from '../store/secrets.ts';
import type { Cloud } from './cloud.ts';

/** What stands in for our own scheduler and networks where Nova and Neutron provide them. */
export function wireCompute(
	config: Config,
	{ nova, neutron, cinder, glance }: Cloud,
	secrets: Secrets,
	now: () => number,
): { readonly compute: Compute; readonly network: NeutronNetworkProvider; readonly placement: ServerPlacement } {
	return {
		compute: {
			provider: new NovaCompute({ nova, glance, image: config.compute.image }),
			ports: new NeutronPorts(neutron),
			...(config.volumes.provider === 'cinder' ? { volumes: new CinderVolumeService(cinder) } : {}),
			sealer: secrets,
			options: { ...defaultComputeOptions, atOnce: config.compute.atOnce, pollInterval: config.compute.pollInterval * 1000 },
		},
		network: new NeutronNetworkProvider(new NeutronResolver(neutron), now),
		placement: new ServerPlacement(),
	};
}
