import path from 'node:path';
import { ConfigError, type ConfigSources, loadConfig, publicUrlOf } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { type Check, type CheckResult, failed, isHealthy, runChecks } from '../doctor/check.ts';
import {
	catalogCheck,
	cinderCheck,
	clockCheck,
	endpointCheck,
	flavorCheck,
	glanceCheck,
	hypervisorCheck,
	loginCheck,
	neutronAgentCheck,
	neutronPermissionCheck,
	novaPermissionCheck,
	rolesCheck,
	serverImageCheck,
	validationCheck,
} from '../doctor/cloud-checks.ts';
import { dataDirectoryCheck, secretFileCheck, spaceCheck } from '../doctor/file-checks.ts';
import {
	bridgeFilterCheck,
	cgroupCheck,
	fileSystemCheck,
	linkCheck,
	loopCheck,
	nftablesCheck,
	overlayCheck,
	rootCheck,
} from '../doctor/kernel-checks.ts';
import { type Machine, thisMachine } from '../doctor/machine.ts';
import { agentSocketCheck, driverCheck, type EngineInfo, engineStorageCheck, serviceCheck } from '../doctor/service-checks.ts';
import { EngineClient } from '../drivers/docker/engine/engine-client.ts';
import { text } from '../drivers/docker/engine/json.ts';
import { readSettings } from '../drivers/docker/settings.ts';
import type { Driver } from '../drivers/driver.ts';
import { loadDriver } from '../drivers/load-driver.ts';
import { messageOf } from '../model/errors.ts';
import { type Cloud, openCloud } from './cloud.ts';

export interface Examination {
	readonly healthy: boolean;
	readonly checks: readonly CheckResult[];
}

/** ms that one check may take. */
const checkTimeout = 20_000;

/** Looks at everything that the service needs with these settings, and changes nothing. Never fails. */
export async function examine(sources: ConfigSources, signal: AbortSignal): Promise<Examination> {
	let config: Config;
	try {
		config = await loadConfig(sources);
	} catch (error) {
		const problems = error instanceof ConfigError ? error.problems : [messageOf(error)];
		const advice = 'docs/configuration.md lists all settings';
		return { healthy: false, checks: problems.map((found) => ({ name: 'configuration', ...failed(found, advice) })) };
	}
	const closing: (() => unknown)[] = [];
	try {
		const checks = await checksFor(config, thisMachine(), closing);
		const results = await runChecks(checks, checkTimeout, signal);
		return { healthy: isHealthy(results), checks: results };
	} finally {
		for (const close of closing) await close();
	}
}

/** All checks that matter with these settings. What must be closed afterwards is added to `closing`. */
export async function checksFor(config: Config, machine: Machine, closing: (() => unknown)[]): Promise<readonly Check[]> {
	return [
		...(await engineChecks(config, closing)),
		...machineChecks(config, machine),
		serviceCheck(localUrl(config), statusOf),
		...(config.compute.provider === 'nova'
			? [agentSocketCheck(machine, config.compute.socket ?? path.join(config.dataDirectory, 'agent', 'nova.sock'))]
			: []),
		...(await cloudChecks(config, closing)),
	];
}

function machineChecks(config: Config, machine: Machine): readonly Check[] {
	const own = config.network.enabled && config.network.provider === 'embedded';
	const ports = config.network.enabled || config.network.provider === 'neutron';
	const real = config.driver.name !== 'fake';
	const secrets = [
		['openstack.passwordFile', config.openstack.passwordFile],
		['webhook.secretFile', config.webhook.secretFile],
	] as const;
	return [
		...(real || ports ? [rootCheck(machine)] : []),
		...(ports ? [linkCheck(machine, 'veth')] : []),
		...(own ? [linkCheck(machine, 'bridge'), nftablesCheck(machine)] : []),
		...(config.network.provider === 'neutron' ? [bridgeFilterCheck(machine)] : []),
		...(real && config.volumes.provider === 'embedded' ? [loopCheck(machine)] : []),
		...(real ? [fileSystemCheck(machine), overlayCheck(machine), cgroupCheck(machine)] : []),
		dataDirectoryCheck(machine, config.dataDirectory),
		spaceCheck(machine, 'data', config.dataDirectory),
		...secrets.flatMap(([name, file]) => (file === null ? [] : [secretFileCheck(machine, name, file)])),
	];
}

async function engineChecks(config: Config, closing: (() => unknown)[]): Promise<readonly Check[]> {
	const { name, settings } = config.driver;
	let driver: Driver;
	try {
		driver = await loadDriver(name, { owner: config.owner, stateDirectory: path.join(config.dataDirectory, 'driver'), settings });
	} catch (error) {
		return [broken('engine', messageOf(error), 'check driver.name and driver.settings')];
	}
	closing.push(() => driver.close());
	const checks = [driverCheck(name, (signal) => driver.facts(signal))];
	if (name !== 'docker') return checks;
	const engine = new EngineClient(readSettings(settings).socket);
	closing.push(() => engine.close());
	return [...checks, engineStorageCheck((signal) => engineInfo(engine, signal))];
}

async function engineInfo(engine: EngineClient, signal: AbortSignal): Promise<EngineInfo> {
	const { body } = await engine.json({ method: 'GET', path: '/info', signal });
	return { storage: text(body, 'Driver'), cgroupDriver: text(body, 'CgroupDriver'), root: text(body, 'DockerRootDir') };
}

async function cloudChecks(config: Config, closing: (() => unknown)[]): Promise<readonly Check[]> {
	let cloud: Cloud | null;
	try {
		cloud = await openCloud(config, { debug: () => {} });
	} catch (error) {
		return [broken('keystone: login', messageOf(error), 'check the openstack settings')];
	}
	if (cloud === null) return [];
	const { session, keystone, nova, neutron, cinder, glance } = cloud;
	closing.push(() => session.close());
	const { username, projectName, authUrl, region } = config.openstack;
	// The compute and network services know this host by the same name.
	const host = config.hostname;
	return [
		loginCheck(session, authUrl ?? '', username),
		rolesCheck(session, username, projectName),
		validationCheck(session, keystone),
		clockCheck(session),
		catalogCheck(session, region),
		...(config.compute.provider === 'nova'
			? [
					endpointCheck(session, 'compute', 'nova', config.openstack),
					novaPermissionCheck(nova, Date.now),
					hypervisorCheck(nova, host),
					flavorCheck(nova),
				]
			: []),
		...(config.network.provider === 'neutron'
			? [endpointCheck(session, 'network', 'neutron', config.openstack), neutronPermissionCheck(neutron), neutronAgentCheck(neutron, host)]
			: []),
		...(config.volumes.provider === 'cinder' ? [endpointCheck(session, 'volume', 'cinder', config.openstack), cinderCheck(cinder)] : []),
		...(config.images.glance || config.compute.provider === 'nova' ? [endpointCheck(session, 'image', 'glance', config.openstack)] : []),
		...(config.compute.provider === 'nova' ? [serverImageCheck(glance, config.compute.image)] : []),
		...(config.images.glance ? [glanceCheck(glance)] : []),
	];
}

function broken(name: string, found: string, advice: string): Check {
	return { name, advice, look: async () => failed(found, advice) };
}

/** Where the service listens, as this machine reaches it. */
function localUrl(config: Config): string {
	const { host } = config.listen;
	const any = host === '0.0.0.0' || host === '::';
	const url = publicUrlOf({ ...config, publicUrl: null, listen: { ...config.listen, host: any ? '127.0.0.1' : host } });
	return `${url}${config.api.pathPrefix}`;
}

async function statusOf(url: string, signal: AbortSignal): Promise<number> {
	const answer = await fetch(url, { signal, redirect: 'manual' });
	await answer.body?.cancel();
	return answer.status;
}
