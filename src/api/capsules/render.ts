import type { CapsuleView } from '../../control/capsules/capsule-control.ts';
import { renderContainer } from '../containers/render.ts';
import { type LinkBase, resourceLinks } from '../http/links.ts';
import type { Minor } from '../microversion/version.ts';
import { zunTime } from '../parse/time.ts';
import { shownRestartPolicy } from './template.ts';

export interface CapsuleRenderOptions {
	readonly links: LinkBase;
	/** Whether the caller sees the host. */
	readonly admin: boolean;
	/** Whether the caller sees what only administrators see of containers. */
	readonly containerAdmin: boolean;
	readonly version: Minor;
}

/** A capsule as the version of the API shows it. What is undefined is left out of JSON. */
export function renderCapsule(view: CapsuleView, { links, admin, containerAdmin, version }: CapsuleRenderOptions) {
	const policy = shownRestartPolicy(view.restartPolicy);
	const container = (member: CapsuleView['containers'][number]) => renderContainer(member, { links: null, admin: containerAdmin });
	return {
		uuid: view.id,
		links: resourceLinks(links, 'capsules', view.id),
		...(version >= 32
			? { name: view.name, labels: view.labels, restart_policy: policy }
			: { meta_name: view.name, meta_labels: view.labels, restart_policy: policy.Name, ...legacyConstants }),
		annotations: view.annotations,
		project_id: view.projectId,
		user_id: view.userId,
		created_at: zunTime(view.createdAt),
		updated_at: zunTime(view.updatedAt),
		status: view.status,
		status_reason: view.statusReason,
		cpu: view.cpu,
		memory: String(view.memory),
		addresses: view.addresses,
		sandbox_id: view.id,
		init_containers: view.initContainers.map(container),
		containers: view.containers.map(container),
		host: admin ? view.host : undefined,
	};
}

/** What versions before 1.32 have and never fill. */
const legacyConstants = { volumes_info: {}, containers_uuids: [], init_containers_uuids: [], capsule_version: '' } as const;
