import { createHash } from 'node:crypto';
import type { ImageState } from '../drivers/driver.ts';
import { messageOf } from '../model/errors.ts';
import { type Image, imageReference, parseImageName } from '../model/image.ts';
import type { Deps } from './deps.ts';
import { fullReference } from './project-images.ts';

/** ms that a host has for its answer; one that has none in time is left out. */
const patience = 5000;
/** Most hosts that are asked at once. */
const maxHosts = 50;

export interface HostState {
	readonly hostname: string;
	readonly images: readonly ImageState[];
}

/** What the engines of the hosts hold. */
export async function imagesOnHosts(deps: Deps, signal: AbortSignal): Promise<readonly HostState[]> {
	const { store, bus, log } = deps;
	const hosts = await store.db.selectFrom('host').select('hostname').where('forced_down', '=', 0).limit(maxHosts).execute();
	const deadline = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
	const answers = await Promise.allSettled(
		hosts.map(async ({ hostname }) => ({ hostname, images: await bus.agent(hostname).images.list(deadline) })),
	);
	return answers.flatMap((answer) => {
		if (answer.status === 'fulfilled') return answer.value;
		log.warn({ error: messageOf(answer.reason) }, 'a look at the images of all hosts left one out');
		return [];
	});
}

/**
 * Images on hosts that nobody asked the service to bring: what was pulled for containers, committed, or put there by
 * hand. Each name of an image is one; a digest is, where the image has no other name in its repository.
 */
export async function foundImages(deps: Deps, brought: readonly Image[], signal: AbortSignal): Promise<readonly Image[]> {
	const commits = await deps.store.db.selectFrom('committed_image').select(['engine_reference', 'host', 'project_id']).execute();
	const known = new Set(brought.map((image) => key(image.host, imageReference(image))));
	const found = new Map<string, Image>();
	for (const { hostname, images } of await imagesOnHosts(deps, signal)) {
		for (const state of images) {
			for (const name of namesOf(state)) {
				const reference = imageReference(name);
				const identity = key(hostname, reference);
				if (known.has(identity)) continue;
				const commit = commits.find((row) => row.host === hostname && row.engine_reference === reference);
				found.set(identity, {
					id: idOf(identity),
					projectId: commit?.project_id ?? null,
					userId: null,
					imageId: state.id,
					...name,
					size: String(state.size),
					host: hostname,
					status: 'Active',
					statusReason: null,
					progress: null,
					pullPolicy: 'ifnotpresent',
					registryId: null,
					createdAt: state.createdAt,
					updatedAt: state.createdAt,
				});
			}
		}
	}
	return [...found.values()];
}

function namesOf(state: ImageState) {
	const names = state.references.map(parseImageName);
	const tagged = new Set(names.filter(({ tag }) => !tag.includes(':')).map(({ repo }) => repo));
	return names.filter(({ repo, tag }) => repo !== '<none>' && (!tag.includes(':') || !tagged.has(repo)));
}

function key(host: string, reference: string): string {
	return JSON.stringify([host, fullReference(reference)]);
}

/** The same for the same name on the same host. */
function idOf(identity: string): string {
	const digest = createHash('sha256').update(identity).digest('hex');
	return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}
