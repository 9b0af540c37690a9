import type { ImagePullPolicy } from '../model/container.ts';
import { fail } from '../model/errors.ts';
import { explicitDomain, imageReference, normalDomain, ownImageDomain, parseImageName } from '../model/image.ts';
import { type ImageSource, sourceReference } from '../model/image-source.ts';
import type { RegistryAuth } from '../model/spec.ts';
import { type ContainerRow, imageSourceOf } from '../store/containers.ts';
import type { Queryable, StoreTransaction } from '../store/store.ts';
import type { Deps } from './deps.ts';

/**
 * Whose an image on a host is. The engine of a host has one set of names for all projects, so
 * - what a project commits is named under a domain of our own and its id: it cannot take the place of an image that
 *   others use, and only its project can make containers of it;
 * - what a project pulled with credentials is not given to another project because it happens to be there: that one
 *   must show by a pull that it may have it;
 * - what comes from the image service is named under our domain too, and a container is made of it only where its user
 *   was shown to may have it when that was asked.
 */
const namePattern = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?::[0-9]{1,5})?(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** Name of a project's committed image in the engine. Throws invalid-value for what no image can be named. */
export function committedReference(projectId: string, repository: string, tag: string): string {
	if (!namePattern.test(repository)) {
		throw fail('invalid-value', `repository ${repository} must be lower-case names with single separators, such as team/app`);
	}
	if (!tagPattern.test(tag)) throw fail('invalid-value', `tag ${tag} must be letters, digits, _, . and -, 128 at the most`);
	return `${ownImageDomain}/${projectId}/${repository.replaceAll(':', '_')}:${tag}`;
}

/** Refuses images that are named as committed ones are in the engine: users name them as they did at the commit. */
export function checkImageName(image: string): void {
	if (normalDomain(explicitDomain(image) ?? '') === ownImageDomain) {
		throw fail('image-not-found', `Image ${image} could not be found: name a committed image as it was named at its commit.`);
	}
}

/** What the engine is to be asked for, for a container's image. */
export interface ImageChoice {
	readonly reference: string;
	/** null = as the container says. */
	readonly pullPolicy: ImagePullPolicy | null;
	/** What of the image service it is; missing = it is not from there. */
	readonly source?: ImageSource;
}

/** For containers of one sandbox on a host, by container id; what is missing is asked for as the container says. */
export async function imageChoices(
	db: Queryable,
	host: string | null,
	all: readonly ContainerRow[],
): Promise<ReadonlyMap<string, ImageChoice>> {
	const choices = new Map<string, ImageChoice>();
	for (const row of all) {
		const source = imageSourceOf(row);
		if (source === null) continue;
		// Under that name it can be nothing else, so there is nothing to be had anew.
		choices.set(row.id, {
			reference: sourceReference(source),
			pullPolicy: row.image_pull_policy === 'never' ? 'never' : 'ifnotpresent',
			source,
		});
	}
	const containers = all.filter(({ id }) => !choices.has(id));
	const references = [...new Set(containers.map((container) => fullReference(container.image)))];
	if (host === null || references.length === 0) return choices;
	const committed = await db
		.selectFrom('committed_image')
		.selectAll()
		.where('reference', 'in', references)
		.where('host', '=', host)
		.execute();
	const named = [...references, ...references.map(repositoryOf)];
	const owned = await db.selectFrom('private_image').selectAll().where('reference', 'in', named).execute();
	for (const container of containers) {
		const reference = fullReference(container.image);
		const mine = committed.find((row) => row.reference === reference && row.project_id === container.project_id);
		const owners = owned.filter((row) => row.reference === reference || row.reference === repositoryOf(reference));
		if (mine !== undefined) choices.set(container.id, { reference: mine.engine_reference, pullPolicy: 'never' });
		else if (owners.length > 0 && !owners.some((row) => row.project_id === container.project_id)) {
			choices.set(container.id, { reference: asName(container.image), pullPolicy: 'always' });
		} else if (asName(container.image) !== container.image) {
			choices.set(container.id, { reference: asName(container.image), pullPolicy: null });
		}
	}
	return choices;
}

/**
 * What an engine would take for an image's id, or the beginning of one, in a form that it takes for a name only: by its
 * id an image of any project could be had, also one that was committed, or pulled with credentials.
 */
function asName(image: string): string {
	return /^(sha256:)?[0-9a-f]+$/i.test(image) ? fullReference(image) : image;
}

/** Name of all images that go by one name with any tag or digest: what registries give rights to. */
function repositoryOf(reference: string): string {
	return parseImageName(parseImageName(reference).repo).repo;
}

/**
 * Notes that the project pulls the image with credentials. It is noted of its whole repository: an engine has it by its
 * digest too.
 */
export async function notePrivateImage(tx: StoreTransaction, projectId: string, image: string): Promise<void> {
	await tx
		.insertInto('private_image')
		.values({ reference: repositoryOf(fullReference(image)), project_id: projectId })
		.onConflict((conflict) => conflict.doNothing())
		.execute();
}

/** Login of the project for the registry that the repository names; null = it has none. `undefined` = it names none. */
export async function pushLogin(deps: Deps, projectId: string, repository: string): Promise<RegistryAuth | null | undefined> {
	const domain = explicitDomain(repository);
	if (domain === null) return undefined;
	const rows = await deps.store.db
		.selectFrom('registry')
		.select(['id', 'domain'])
		.where('project_id', '=', projectId)
		.orderBy('created_at')
		.execute();
	const registry = rows.find((row) => normalDomain(row.domain) === normalDomain(domain));
	return registry === undefined ? null : await deps.registries.auth(deps.store.db, registry.id);
}

/** One form for all the ways to write a reference: with domain, namespace and tag. */
export function fullReference(image: string): string {
	const domain = explicitDomain(image);
	const rest = domain === null ? image : image.slice(domain.length + 1);
	const name = domain === null || normalDomain(domain) === 'docker.io' ? (rest.includes('/') ? rest : `library/${rest}`) : rest;
	return imageReference(parseImageName(`${normalDomain(domain ?? 'docker.io')}/${name}`));
}
