import type { FoundImage } from '../../control/image-search.ts';
import type { Image } from '../../model/image.ts';
import type { StoredImage } from '../../providers/image/image-provider.ts';
import { type LinkBase, resourceLinks } from '../http/links.ts';
import { zunTime } from '../parse/time.ts';

/** An image as Zun shows it, and how far it is. */
export function renderImage(image: Image, base: LinkBase) {
	const { progress } = image;
	return {
		uuid: image.id,
		links: resourceLinks(base, 'images', image.id),
		image_id: image.imageId,
		repo: image.repo,
		tag: image.tag,
		size: image.size,
		project_id: image.projectId,
		user_id: image.userId,
		host: image.host,
		status: image.status,
		status_reason: image.statusReason,
		progress:
			progress === null
				? null
				: {
						layers_done: progress.layersDone,
						layers_total: progress.layersTotal,
						bytes_done: progress.bytesDone,
						bytes_total: progress.bytesTotal,
					},
		created_at: zunTime(image.createdAt),
		updated_at: zunTime(image.updatedAt),
	};
}

/** A find in the form of Docker Hub's, which Zun hands on. */
export function renderFound(found: FoundImage) {
	return {
		id: found.id,
		name: found.name,
		tags: found.tags,
		status: found.id === null ? 'Available' : 'Active',
		size: found.size,
		host: found.host,
		registry: found.registry,
		description: '',
		is_automated: false,
		metadata: { is_official: false, star_count: 0 },
	};
}

/** An image of the image service in that service's own words, as Zun hands it on. */
export function renderStored(image: StoredImage) {
	return {
		id: image.id,
		name: image.name,
		tags: image.tags,
		status: image.status,
		size: image.size,
		container_format: image.containerFormat,
		disk_format: image.diskFormat,
		visibility: image.visibility,
		owner: image.owner,
		updated_at: image.updatedAt === null ? null : zunTime(image.updatedAt),
		metadata: {},
	};
}
