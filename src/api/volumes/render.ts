import type { VolumeView } from '../../control/volume-control.ts';
import { type LinkBase, resourceLinks } from '../http/links.ts';
import { isoTime } from '../parse/time.ts';

/** A volume as the API shows it. What is undefined is left out of JSON. */
export function renderVolume(view: VolumeView, { links, admin }: { readonly links: LinkBase | null; readonly admin: boolean }) {
	return {
		links: links === null ? undefined : resourceLinks(links, 'volumes', view.id),
		uuid: view.id,
		name: view.name,
		project_id: view.projectId,
		user_id: view.userId,
		size: view.size,
		provider: view.provider,
		status: view.attachment?.detaching === true ? 'detaching' : view.status,
		status_reason: view.statusReason,
		auto_remove: view.autoRemove,
		sandbox_id: view.attachment?.sandboxId ?? null,
		read_only: view.attachment?.readOnly ?? null,
		created_at: isoTime(view.createdAt),
		updated_at: isoTime(view.updatedAt),
		host: admin ? view.host : undefined,
	};
}
