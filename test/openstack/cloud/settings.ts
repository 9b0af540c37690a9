/** What is fixed about the test cloud. Its world is its own, so that the usual ports are free. */

/** Of every account. Only processes in the cloud's own network can reach what it opens. */
export const password = 'only-in-the-test-cloud';

export const region = 'RegionOne';

/** Name of the only host, to Nova, Neutron and Cinder. */
export const hostName = 'compute1';

export const ports = {
	database: 3306,
	broker: 5672,
	cache: 11211,
	keystone: 5000,
	placement: 8778,
	glance: 9292,
	neutron: 9696,
	nova: 8774,
	cinder: 8776,
	/** The service under test, as the catalog names it. */
	container: 9517,
} as const;

export const urls = {
	keystone: `http://127.0.0.1:${ports.keystone}/v3`,
	placement: `http://127.0.0.1:${ports.placement}`,
	glance: `http://127.0.0.1:${ports.glance}`,
	neutron: `http://127.0.0.1:${ports.neutron}`,
	nova: `http://127.0.0.1:${ports.nova}/v2.1`,
	cinder: `http://127.0.0.1:${ports.cinder}/v3`,
	container: `http://127.0.0.1:${ports.container}/v1`,
} as const;

/** Debian's own interpreter and tools come before any other on the machine. */
export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
