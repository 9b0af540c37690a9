import type { SandboxView } from '../../control/control.ts';
import { type LinkBase, resourceLinks } from '../http/links.ts';
import { isoTime } from '../parse/time.ts';

export interface RenderOptions {
	/** null = no links, as in lists. */
	readonly links: LinkBase | null;
	/** Whether the caller sees what only administrators see. */
	readonly admin: boolean;
}

/** A sandbox as the API shows it. What is undefined is left out of JSON. */
export function renderSandbox(view: SandboxView, { links, admin }: RenderOptions) {
	const paused = view.expiresRemaining !== null;
	return {
		links: links === null ? undefined : resourceLinks(links, 'sandboxes', view.id),
		uuid: view.id,
		name: view.name,
		project_id: view.projectId,
		user_id: view.userId,
		status: view.status,
		status_reason: view.statusReason,
		task_state: view.taskState,
		labels: view.labels,
		hostname: view.hostname,
		cpu: view.cpu,
		memory: view.memory === null ? null : String(view.memory),
		disk: view.disk,
		availability_zone: view.availabilityZone,
		runtime: view.runtime,
		namespaces: view.namespaces,
		addresses: view.addresses,
		security_groups: view.securityGroupIds,
		ports: portIds(view.addresses),
		published_ports: view.publishedPorts.map((port) => ({
			protocol: port.protocol,
			host_ip: port.hostIp,
			host_port: port.hostPort,
			sandbox_port: port.sandboxPort,
		})),
		containers: view.containerIds,
		volumes: view.volumes.map((volume) => ({ volume_id: volume.volumeId, read_only: volume.readOnly })),
		created_by: view.createdBy,
		expires_at: paused ? null : isoTime(view.expiresAt),
		expires_remaining: view.expiresRemaining === null ? null : view.expiresRemaining / 1000,
		created_at: isoTime(view.createdAt),
		updated_at: isoTime(view.updatedAt),
		host: admin ? view.host : undefined,
		driver: admin ? view.driver : undefined,
		provider_ids: admin ? view.providerIds : undefined,
	};
}

function portIds(addresses: SandboxView['addresses']): string[] {
	return [...new Set(Object.values(addresses).flatMap((list) => list.map(({ port }) => port)))];
}
