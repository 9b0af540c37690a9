/** The service under test in the cloud: it serves the only compute host. */
import { CrashService } from '../../support/crash-service.ts';
import { eventually } from '../../support/eventually.ts';
import { listIn } from '../cloud/account.ts';
import { imageName } from '../cloud/catalog.ts';
import { DaemonControl } from '../cloud/daemon-control.ts';
import { daemonNames } from '../cloud/daemons.ts';
import { Place } from '../cloud/place.ts';
import { missingHost } from '../cloud/ready.ts';
import { hostName, password, ports, region, urls } from '../cloud/settings.ts';
import { clearCloud } from './clear.ts';
import { type Kept, leftovers } from './leftovers.ts';
import { Tenant } from './tenant.ts';

export class CloudWorld {
	readonly place = Place.current();
	readonly daemons = new DaemonControl(this.place);
	readonly service: CrashService;
	readonly alpha = new Tenant('alpha');
	readonly beta = new Tenant('beta');
	readonly admin = new Tenant('admin');

	private constructor(environment: Readonly<Record<string, string>>) {
		this.service = new CrashService({ owner: this.place.owner, environment });
	}

	/** With settings beside those that `provided` needs. Ends when the service knows its host. */
	static async start(
		provided: 'identity' | 'everything' = 'everything',
		environment: Readonly<Record<string, string>> = {},
	): Promise<CloudWorld> {
		const own = provided === 'everything' ? { ...identitySettings, ...providerSettings(Place.current()) } : identitySettings;
		const world = new CloudWorld({ ...own, ...environment });
		try {
			await world.service.start();
			await world.hostIsUp();
			if (provided === 'everything') await world.novaIsUp();
			return world;
		} catch (error) {
			console.log(world.service.output());
			await world.remove();
			throw error;
		}
	}

	async hostIsUp(): Promise<void> {
		await eventually('the host is there', async () => listIn(await this.admin.ok('GET /v1/hosts'), 'hosts').length === 1);
	}

	/** Until Nova can build servers on the host. */
	async novaIsUp(): Promise<void> {
		this.daemons.start('nova-compute');
		const look = async () => {
			const missing = await missingHost();
			if (missing !== null) throw new Error(missing);
			return true;
		};
		await eventually('Nova can use the host', look, { timeout: 120_000, interval: 300 });
	}

	/** Until the services that a test has stopped serve again. */
	async daemonsAreUp(): Promise<void> {
		const look = async () => {
			const { account } = this.admin;
			for (const [service, line] of looks) await account.ok(service, line);
			return true;
		};
		await eventually('the services serve', look, { timeout: 90_000, interval: 300 });
	}

	/** Starts the service again, as it was, and waits until it can work. */
	async startService(environment: Readonly<Record<string, string>> = {}): Promise<void> {
		await this.service.start(environment);
		await this.hostIsUp();
	}

	/** Waits until nothing is left of anything that was deleted, but `kept` (ids); fails with what is. */
	async nothingIsLeft(kept: Kept = {}): Promise<void> {
		await eventually(
			'nothing is left',
			async () => {
				const left = await leftovers(this.service, this.admin.account, kept);
				if (left.length > 0) throw new Error(left.join('\n'));
				return true;
			},
			{ timeout: 90_000, interval: 500 },
		);
	}

	/** Deletes all that tenants have in the service, and waits until nothing is left of it. */
	async clear(): Promise<void> {
		for (const tenant of [this.alpha, this.beta]) {
			for (const { uuid } of await tenant.list('capsules')) await tenant.call(`DELETE /v1/capsules/${uuid}`);
			for (const { uuid } of await tenant.list('containers')) await tenant.call(`DELETE /v1/containers/${uuid}?force=true`);
			for (const { uuid } of await tenant.list('sandboxes')) await tenant.call(`DELETE /v1/sandboxes/${uuid}?force=true`);
		}
		await this.nothingIsLeft();
	}

	/** Also where a test has failed: the next file finds the cloud as if nothing had been. */
	async remove(): Promise<void> {
		// Where nothing has failed nobody sees it.
		console.log(
			this.service
				.output()
				.split('\n')
				.filter((line) => /"level":"?(50|60|error|fatal)/.test(line))
				.slice(-20)
				.join('\n'),
		);
		try {
			for (const name of daemonNames) this.daemons.start(name);
			// Nova's servers go by the service's help.
			if (!this.service.running) await this.service.start();
			await this.daemonsAreUp();
			await clearCloud(this.admin.account);
		} finally {
			await this.service.remove();
		}
	}
}

const looks = [
	['keystone', 'GET /roles'],
	['neutron', 'GET /v2.0/networks'],
	['nova', 'GET /servers'],
] as const;

/** Users are Keystone's; all else is the service's own. */
const identitySettings = {
	ZUNBOX_HOSTNAME: hostName,
	ZUNBOX_LISTEN_PORT: `${ports.container}`,
	ZUNBOX_IDENTITY_PROVIDER: 'keystone',
	ZUNBOX_OPENSTACK_AUTH_URL: urls.keystone,
	ZUNBOX_OPENSTACK_USERNAME: 'zun',
	ZUNBOX_OPENSTACK_PASSWORD: password,
	ZUNBOX_OPENSTACK_REGION: region,
};

/** What else OpenStack provides. */
function providerSettings(place: Place): Record<string, string> {
	return {
		ZUNBOX_COMPUTE_PROVIDER: 'nova',
		ZUNBOX_COMPUTE_SOCKET: place.agentSocket,
		ZUNBOX_COMPUTE_IMAGE: imageName,
		ZUNBOX_NETWORK_PROVIDER: 'neutron',
		ZUNBOX_VOLUMES_PROVIDER: 'cinder',
		ZUNBOX_IMAGES_GLANCE: 'true',
	};
}
