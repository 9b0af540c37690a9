import type { ImageDriver } from '../drivers/driver.ts';
import { fail } from '../model/errors.ts';
import type { RegistryAuth } from '../model/spec.ts';
import type { Store } from '../store/store.ts';
import { fullReference } from './project-images.ts';

export interface Push {
	readonly projectId: string;
	/** Name of the image in the host's engine. */
	readonly image: string;
	/** Where it goes, which for the time of the push is its name in the engine too. */
	readonly reference: string;
	readonly auth: RegistryAuth | null;
}

/** Stands for a project in the table of private images: nobody was shown to may have what bears the name. */
const pusher = (projectId: string): string => `push:${projectId}`;

/** The same for a push of an earlier run of the service, whose image may bear the name still. */
export const leftOver = (projectId: string): string => `left:${projectId}`;

/**
 * Puts an image into a registry. An engine pushes only what bears the very name, and has one set of names for all
 * projects. So the name must be free, lest what others use under it is changed for another image; and as long as the
 * image bears it, which a crash may make long, whoever else asks for the name must pull it.
 * Throws `conflict` for a name that is taken.
 */
export async function pushAs(store: Store, images: ImageDriver, push: Push, signal: AbortSignal): Promise<void> {
	const { image, reference, auth } = push;
	const row = { reference: fullReference(reference), project_id: pusher(push.projectId) };
	const wanted = await images.inspect(image, signal);
	const there = await images.inspect(reference, signal);
	await store.transaction(async (tx) => {
		const marks = await tx
			.selectFrom('private_image')
			.select('project_id')
			.where('reference', '=', row.reference)
			.where((eb) => eb.or([eb('project_id', 'like', pusher('%')), eb('project_id', 'like', leftOver('%'))]))
			.execute();
		const left = leftOver(push.projectId);
		const foreign = marks.some((mark) => mark.project_id !== row.project_id && mark.project_id !== left);
		if (foreign || (there !== null && there.id !== wanted?.id && marks.length === 0)) {
			throw fail('conflict', `The host uses the name ${reference} for another image: commit under another name or tag.`);
		}
		await tx.deleteFrom('private_image').where('reference', '=', row.reference).where('project_id', '=', left).execute();
		await tx
			.insertInto('private_image')
			.values(row)
			.onConflict((conflict) => conflict.doNothing())
			.execute();
	});
	try {
		await images.tag(image, reference, signal);
		await images.push({ reference, auth }, signal);
	} finally {
		const ending = AbortSignal.timeout(30_000);
		// Somebody else's pull may have given the name to another image meanwhile.
		if ((await images.inspect(reference, ending))?.id === wanted?.id) await images.remove(reference, ending);
		await store.transaction(async (tx) => {
			await tx.deleteFrom('private_image').where('reference', '=', row.reference).where('project_id', '=', row.project_id).execute();
		});
	}
}

/** Whether a name of a push stands for what was pushed, and not for what somebody pulled since. */
export async function isPushed(images: ImageDriver, image: string, reference: string, signal: AbortSignal): Promise<boolean> {
	const there = await images.inspect(reference, signal);
	return there !== null && there.id === (await images.inspect(image, signal))?.id;
}
