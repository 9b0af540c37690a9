import { fail, messageOf } from '../model/errors.ts';
import { imageReference, parseImageName } from '../model/image.ts';
import { isAdmin, type Principal } from '../model/principal.ts';
import type { StoredImage } from '../providers/image/image-provider.ts';
import type { RegistryCatalog } from '../providers/image/registry-catalog.ts';
import type { Deps } from './deps.ts';
import { imagesOnHosts } from './host-images.ts';
import type { RegistryGuard } from './registry-guard.ts';
import { asUserErrors } from './servers/prepare.ts';

/** Where an image was found. */
export interface FoundImage {
	/** Without a tag. */
	readonly name: string;
	readonly tags: readonly string[];
	/** The engine's id; null = it is in a registry. */
	readonly id: string | null;
	readonly size: number | null;
	readonly host: string | null;
	readonly registry: string | null;
}

/** ms that a registry has for its answer; one that has none in time is left out. */
const patience = 5000;
/** Most registries that one search asks. */
const maxSources = 50;

/**
 * Looks for images by name, on the hosts and in the registries that the project knows. What is on the hosts is also
 * other projects': a user sees of it what administrators brought there, and what his project's containers are made of.
 */
export class ImageSearch {
	readonly #deps: Deps;
	readonly #catalog: RegistryCatalog;
	readonly #guard: RegistryGuard;

	constructor(deps: Deps, catalog: RegistryCatalog, guard: RegistryGuard) {
		this.#deps = deps;
		this.#guard = guard;
		this.#catalog = catalog;
	}

	/** `exact`: the whole name, with or without its registry; otherwise a part of it is enough. */
	async search(principal: Principal, name: string, exact: boolean, signal: AbortSignal): Promise<readonly FoundImage[]> {
		const wanted = parseImageName(name).repo.toLowerCase();
		const matches = (found: string) => {
			const candidate = found.toLowerCase();
			return exact ? candidate === wanted || candidate.endsWith(`/${wanted}`) : candidate.includes(wanted);
		};
		const [onHosts, inRegistries] = await Promise.all([this.#onHosts(principal, signal), this.#inRegistries(principal, signal)]);
		return [...onHosts, ...inRegistries].filter((image) => matches(image.name));
	}

	/** The images of the image service that the principal may see. Throws `not-implemented` where there is none. */
	async inService(principal: Principal, name: string, exact: boolean, signal: AbortSignal): Promise<readonly StoredImage[]> {
		const { imageService } = this.#deps;
		if (imageService === undefined) throw fail('not-implemented', 'This service has no Glance to search: leave out image_driver.');
		return await asUserErrors(imageService.provider.search(principal, name, exact, signal));
	}

	async #onHosts(principal: Principal, signal: AbortSignal): Promise<readonly FoundImage[]> {
		const visible = isAdmin(principal) ? null : await this.#visible(principal);
		return (await imagesOnHosts(this.#deps, signal)).flatMap(({ hostname, images }) =>
			images.flatMap((state) => {
				const references = state.references.filter((reference) => visible === null || visible.has(plain(reference)));
				const byName = Map.groupBy(references.map(parseImageName), ({ repo }) => repo);
				return [...byName].map(([name, names]) => ({
					name,
					tags: names.map(({ tag }) => tag),
					id: state.id,
					size: state.size,
					host: visible === null ? hostname : null,
					registry: null,
				}));
			}),
		);
	}

	async #inRegistries(principal: Principal, signal: AbortSignal): Promise<readonly FoundImage[]> {
		const { store, registries } = this.#deps;
		const rows = await store.db
			.selectFrom('registry')
			.select(['id', 'name', 'domain'])
			.where('project_id', '=', principal.projectId)
			.orderBy('created_at')
			.limit(maxSources)
			.execute();
		// The service itself makes the call: users must not reach by it what listens on this machine.
		const allows = isAdmin(principal) ? () => true : (address: string) => this.#guard.allows(address);
		return await this.#ask(rows, async ({ id, domain }) => {
			await this.#guard.checkDomain(principal, domain);
			const auth = await registries.auth(store.db, id);
			if (auth === null) return [];
			const names = await this.#catalog.repositories(auth, deadline(signal), allows);
			return names.map((name) => ({ name: `${auth.domain}/${name}`, tags: [], id: null, size: null, host: null, registry: domain }));
		});
	}

	/** All answers together; who cannot answer has none. */
	async #ask<Source>(
		sources: readonly Source[],
		question: (source: Source) => Promise<readonly FoundImage[]>,
	): Promise<readonly FoundImage[]> {
		const answers = await Promise.allSettled(sources.map(question));
		return answers.flatMap((answer) => {
			if (answer.status === 'fulfilled') return answer.value;
			this.#deps.log.warn({ error: messageOf(answer.reason) }, 'a search for images left out a registry');
			return [];
		});
	}

	async #visible(principal: Principal): Promise<ReadonlySet<string>> {
		const { db } = this.#deps.store;
		const brought = await db.selectFrom('image').select(['repo', 'tag']).where('status', '=', 'Active').execute();
		const used = await db
			.selectFrom('container')
			.select('image')
			.where('project_id', '=', principal.projectId)
			.where('image_source', 'is', null)
			.distinct()
			.execute();
		return new Set([...brought.map(imageReference), ...used.map(({ image }) => image)].map(plain));
	}
}

/** One form of a reference, to compare by: engines leave out `docker.io/library/`. */
function plain(reference: string): string {
	return imageReference(parseImageName(reference)).replace(/^docker\.io\/(library\/)?/, '');
}

function deadline(signal: AbortSignal): AbortSignal {
	return AbortSignal.any([signal, AbortSignal.timeout(patience)]);
}
