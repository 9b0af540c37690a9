import { execFile } from 'node:child_process';
import net from 'node:net';
import { promisify } from 'node:util';
import { engineOk, ensureBusybox } from '../../support/docker.ts';
import { eventually } from '../../support/eventually.ts';
import { fillCatalog, makeFlavors, makeImage, makeVolumeType } from './catalog.ts';
import { writeConfiguration } from './configuration/write.ts';
import { DaemonControl } from './daemon-control.ts';
import { type DaemonName, physicalNetwork } from './daemons.ts';
import type { Place } from './place.ts';
import { missingAgent } from './ready.ts';
import { Schemas } from './schemas.ts';
import { ports } from './settings.ts';

const run = promisify(execFile);
/** ms; the machine may be busy. */
const patience = 240_000;

/**
 * Brings up all of the cloud in the world that this process is in. Ends when it waits for the service under test, which
 * Nova's process on the host gets its work done by.
 */
export async function startCloud(place: Place, say: (line: string) => void): Promise<void> {
	writeConfiguration(place);
	const daemons = new DaemonControl(place);
	const schemas = new Schemas(place);
	const steps = new Steps(say);
	for (const words of physicalNetwork) await run('ip', [...words]);

	const broker = steps.run('broker', async () => {
		daemons.start('broker-names');
		daemons.start('broker');
		await listens(daemons, 'broker', ports.broker);
	});
	daemons.start('cache');
	const engine = steps.run('engine', async () => {
		daemons.start('engine');
		await answers('the engine', async () => (await engineOk('GET', '/_ping')).status === 200);
		await ensureBusybox();
	});
	await steps.run('database', async () => {
		await schemas.database();
		daemons.start('database');
		await eventually('the database answers', async () => {
			await schemas.databases();
			return true;
		});
	});
	const keystone = steps.run('keystone', async () => {
		await schemas.keystone();
		daemons.start('keystone');
		await serves(daemons, 'keystone', ports.keystone);
		await fillCatalog();
	});
	const placement = steps.run('placement', async () => {
		await schemas.placement();
		daemons.start('placement');
	});
	const neutron = steps.run('neutron', async () => {
		await schemas.neutron();
		await broker;
		daemons.start('neutron');
		await serves(daemons, 'neutron', ports.neutron);
		daemons.start('neutron-bridge-agent');
		daemons.start('neutron-dhcp-agent');
	});
	const nova = steps.run('nova', async () => {
		await schemas.nova();
		await broker;
		daemons.start('nova-conductor');
		daemons.start('nova-scheduler');
		daemons.start('nova-api');
		await keystone;
		await placement;
		await engine;
		daemons.start('nova-compute');
		await serves(daemons, 'nova-api', ports.nova);
		await makeFlavors();
	});
	const glance = steps.run('glance', async () => {
		await schemas.glance();
		daemons.start('glance');
		await keystone;
		await serves(daemons, 'glance', ports.glance);
		await makeImage();
	});
	const cinder = steps.run('cinder', async () => {
		await schemas.cinder();
		await broker;
		for (const name of ['cinder-api', 'cinder-scheduler', 'cinder-volume'] as const) daemons.start(name);
		await keystone;
		await serves(daemons, 'cinder-api', ports.cinder);
		await makeVolumeType();
	});
	await Promise.all([keystone, placement, neutron, nova, glance, cinder, engine]);
	await steps.run('agents', async () => {
		await answers('all agents have reported', async () => {
			const missing = await missingAgent();
			if (missing !== null) throw new Error(missing);
			return true;
		});
	});
}

/** Says how long each part took. */
class Steps {
	readonly #say: (line: string) => void;
	readonly #start = performance.now();

	constructor(say: (line: string) => void) {
		this.#say = say;
	}

	async run(name: string, work: () => Promise<void>): Promise<void> {
		const began = performance.now();
		await work();
		const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(1);
		this.#say(`${name} after ${seconds(began)} s, ${seconds(this.#start)} s in all`);
	}
}

async function answers(what: string, look: () => Promise<boolean>): Promise<void> {
	await eventually(what, look, { timeout: patience, interval: 200 });
}

async function listens(daemons: DaemonControl, name: DaemonName, port: number): Promise<void> {
	await answers(`${name} listens`, async () => {
		if (!daemons.runs(name)) throw new Error(`${name} has ended`);
		const { promise, resolve } = Promise.withResolvers<boolean>();
		const socket = net.connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
		const listening = await promise;
		socket.destroy();
		return listening;
	});
}

async function serves(daemons: DaemonControl, name: DaemonName, port: number): Promise<void> {
	await answers(`${name} serves`, async () => {
		if (!daemons.runs(name)) throw new Error(`${name} has ended`);
		const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(10_000) });
		await answer.arrayBuffer();
		return answer.status < 500;
	});
}
