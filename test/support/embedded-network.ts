import type { EmbeddedNetworkOptions } from '../../src/providers/network/embedded/embedded-network-provider.ts';

/** Networks of the service's own, as tests have them. */
export const embeddedNetworkOptions: EmbeddedNetworkOptions = {
	defaultNetwork: { cidr: '10.88.0.0/16', cidr6: 'auto', mtu: 1500, projectId: 'service' },
	publish: { first: 1024, last: 65535, reserved: [9517] },
};
