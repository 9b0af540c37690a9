import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { Agent } from '../../../src/agent/agent.ts';
import { NoNetworking } from '../../../src/agent/network/no-networking.ts';
import { NoVolumes } from '../../../src/agent/volumes/no-volumes.ts';
import type { AgentLink } from '../../../src/bus/bus.ts';
import { defaultImageServiceOptions } from '../../../src/control/image-service/image-service.ts';
import { Service } from '../../../src/control/service.ts';
import { createDriver, FakeEngine } from '../../../src/drivers/fake/index.ts';
import type { Principal } from '../../../src/model/principal.ts';
import { Secret } from '../../../src/model/secret.ts';
import { GlanceClient } from '../../../src/openstack/glance.ts';
import { GlanceImages } from '../../../src/providers/image/glance/glance-images.ts';
import type { ImageProvider } from '../../../src/providers/image/image-provider.ts';
import { quickPlan } from '../agent/agent-world.ts';
import { principal, startControl } from '../control.ts';
import { ScriptedCloud } from './scripted-cloud.ts';
import { fakeArchive, ScriptedGlance } from './scripted-glance.ts';

const never = new AbortController().signal;
const patience = 30_000;

/** What stands between control and the others. */
export interface Wrapping {
	readonly provider?: (provider: ImageProvider) => ImageProvider;
	readonly agent?: (agent: AgentLink) => AgentLink;
}

/** Control over a database in memory, an agent with the fake driver, and a Glance in memory. */
export async function glanceWorld(t: TestContext, wrapping: Wrapping = {}) {
	const cloud = await new ScriptedCloud().start();
	const glance = new ScriptedGlance(cloud);
	const session = cloud.session();
	const glanceImages = new GlanceImages(new GlanceClient(session));
	const provider = wrapping.provider?.(glanceImages) ?? glanceImages;
	const imageService = { provider, options: { ...defaultImageServiceOptions, firstRetry: 10, longestRetry: 50, projectUploads: 2 } };
	const control = await startControl({ deps: () => ({ imageService }) });
	const engine = new FakeEngine();
	const stateDirectory = await mkdtemp(path.join(os.tmpdir(), 'zunbox-agent-'));
	const driver = await createDriver({ owner: 'test', stateDirectory, settings: { engine } });
	const agent = new Agent({
		link: control.bus.controlLink(control.link),
		driver,
		networking: new NoNetworking(),
		volumes: new NoVolumes(),
		stateDirectory,
		options: { hostname: 'host-1', lookInterval: 100, longestPause: 100, plan: quickPlan },
	});
	control.bus.connect('host-1', wrapping.agent?.(agent.link) ?? agent.link);
	await agent.start();
	const services = [control.service];
	t.after(async () => {
		engine.faults.clear();
		await agent.stop();
		for (const service of services) await service.stop();
		await control.close();
		session.close();
		await cloud.stop();
		await rm(stateDirectory, { recursive: true, force: true });
	});
	const user = (project: string): Principal => {
		glance.projects.set(`token-of-${project}`, project);
		return { ...principal(project), token: new Secret(`token-of-${project}`) };
	};
	const ann = user('p1');
	const create = (who: Principal, image: string, fields: object = {}) =>
		control.service.containers.create(who, { image, imageDriver: 'glance', command: ['sleep', '1000'], run: true, ...fields });
	const run = async (who: Principal, image: string) => {
		const made = await create(who, image);
		return await control.service.containers.wait(who, made.id, 'Running', patience, never);
	};
	/** An image in Glance, of which containers of the fake engine can be made. */
	const store = (name: string, fields: object = {}) => {
		const { archive, image } = fakeArchive(name, [`${name}:1`]);
		return { ...glance.add({ id: randomUUID(), name, owner: 'p1', data: archive, ...fields }), image };
	};
	/** Another process over the same database. */
	const begin = async () => {
		const service = new Service(control.deps);
		services.push(service);
		await service.start();
	};
	return { control, glance, engine, user, ann, create, run, store, begin, imageService, containers: control.service.containers };
}
