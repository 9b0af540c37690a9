import { fail } from '../../model/errors.ts';
import type { ImageSource } from '../../model/image-source.ts';
import type { Principal } from '../../model/principal.ts';
import type { ContainerRow } from '../../store/containers.ts';
import type { Deps } from '../deps.ts';
import { checkImageName } from '../project-images.ts';
import { asUserErrors } from '../servers/prepare.ts';

/** ms that a request waits for the image service. */
const patience = 30_000;

/** What was found for a container before its transaction. */
export interface PreparedImage {
	/** Missing = its image is not of the image service. */
	readonly imageSource?: ImageSource;
}

export interface WantedImage {
	readonly image: string;
	readonly imageDriver?: string;
	readonly registry?: string;
}

/** Throws `validation-error` for where no image can come from. */
export function checkImageDriver(deps: Deps, imageDriver: string | null): void {
	if (imageDriver === null || imageDriver === 'docker') return;
	if (imageDriver === 'glance' && deps.imageService !== undefined) return;
	const why = imageDriver === 'glance' ? 'This service has no Glance' : `There is no image driver ${imageDriver}`;
	throw fail('validation-error', `${why}: leave out image_driver, or give docker.`);
}

/**
 * Finds an image of the image service with the rights of who asks for it, each time that a container is to be made of it:
 * that it is on a host already gives nobody a right to it. Throws what is wrong with it as the user's error.
 */
export async function prepareImage(deps: Deps, principal: Principal, wanted: WantedImage): Promise<PreparedImage> {
	checkImageDriver(deps, wanted.imageDriver ?? null);
	const { imageService } = deps;
	if (wanted.imageDriver !== 'glance' || imageService === undefined) return {};
	if (wanted.registry !== undefined) throw fail('invalid-value', 'An image of Glance is in no registry: leave out registry.');
	return { imageSource: await asUserErrors(imageService.provider.find(principal, wanted.image, AbortSignal.timeout(patience))) };
}

/** What a container is to be made of anew; what is null stays as it is. An image of the image service is found anew. */
export async function prepareRebuild(
	deps: Deps,
	principal: Principal,
	row: ContainerRow,
	asked: { readonly image: string | null; readonly imageDriver: string | null },
): Promise<Pick<ContainerRow, 'image' | 'image_driver' | 'image_source'>> {
	const image = asked.image ?? row.image;
	const imageDriver = asked.imageDriver ?? row.image_driver;
	if (imageDriver !== 'glance' && asked.image !== null) checkImageName(image);
	const { imageSource } = await prepareImage(deps, principal, { image, imageDriver });
	return { image, image_driver: imageDriver, image_source: imageSource === undefined ? null : JSON.stringify(imageSource) };
}

/** Whether a container has come to be made of something else. */
export function isOtherImage(before: ContainerRow, now: ContainerRow): boolean {
	return before.image !== now.image || before.image_driver !== now.image_driver || before.image_source !== now.image_source;
}
