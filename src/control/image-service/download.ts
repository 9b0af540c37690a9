import { fail } from '../../model/errors.ts';
import { ProviderError } from '../../providers/provider-error.ts';
import { imageSourceOf } from '../../store/containers.ts';
import type { Deps } from '../deps.ts';

/** Gives a host the archive of an image; see ControlLink.image. A host gets what it has to make containers of, and no more. */
export async function imageForHost(deps: Deps, hostname: string, imageId: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
	const { imageService } = deps;
	const rows = await deps.store.db
		.selectFrom('container')
		.innerJoin('sandbox', 'sandbox.id', 'container.sandbox_id')
		.select('container.image_source')
		.where('sandbox.host', '=', hostname)
		.where('container.image_source', 'is not', null)
		.execute();
	if (imageService === undefined || !rows.some((row) => imageSourceOf(row)?.imageId === imageId)) {
		throw fail('image-not-found', `No container of host ${hostname} is made of image ${imageId}.`);
	}
	try {
		return told(await imageService.provider.download(imageId, signal));
	} catch (error) {
		throw asLinkError(error);
	}
}

async function* told(data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
	try {
		yield* data;
	} catch (error) {
		throw asLinkError(error);
	}
}

function asLinkError(error: unknown): unknown {
	if (!(error instanceof ProviderError)) return error;
	const passing = error.failure === 'unavailable' || error.failure === 'conflict';
	return fail(passing ? 'service-unavailable' : 'image-not-found', error.message, { cause: error });
}
