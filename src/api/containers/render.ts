import type { ContainerView } from '../../control/control.ts';
import type { Container, HealthCheck, RestartPolicy } from '../../model/container.ts';
import { type LinkBase, resourceLinks } from '../http/links.ts';
import { isoTime, zunTime } from '../parse/time.ts';

export interface RenderOptions {
	/** null = no links, as in lists. */
	readonly links: LinkBase | null;
	/** Whether the caller sees what only administrators see. */
	readonly admin: boolean;
	/** The answer to a create: what is not set is null there, and empty in later reads. */
	readonly created?: boolean;
}

/** A container as the API shows it. Pure, and written out by hand, since lists are made of it: what is undefined is left out of JSON. */
export function renderContainer(view: ContainerView, { links, admin, created = false }: RenderOptions) {
	return {
		links: links === null ? undefined : resourceLinks(links, 'containers', view.id),
		uuid: view.id,
		name: view.name,
		project_id: view.projectId,
		user_id: view.userId,
		image: view.image,
		image_driver: view.imageDriver,
		command: view.command ?? (created ? null : []),
		entrypoint: view.entrypoint ?? (created ? null : []),
		cpu: view.cpu,
		memory: view.memory === null ? null : String(view.memory),
		disk: view.disk,
		cpu_policy: view.cpuPolicy,
		status: view.status,
		status_reason: view.statusReason,
		task_state: view.taskState,
		status_detail: view.statusDetail,
		environment: view.environment,
		labels: view.labels,
		workdir: view.workdir,
		hostname: view.hostname,
		ports: view.ports,
		addresses: view.addresses,
		security_groups: view.securityGroupIds,
		interactive: view.interactive,
		tty: view.tty,
		auto_remove: view.autoRemove,
		auto_heal: view.autoHeal,
		restart_policy: renderRestartPolicy(view.restartPolicy, created),
		healthcheck: renderHealthCheck(view.healthcheck, created),
		registry_id: view.registryId,
		created_at: zunTime(view.createdAt),
		updated_at: zunTime(view.updatedAt),
		sandbox_id: view.sandboxId,
		sandbox: view.sandboxName,
		exit_code: view.exitCode,
		oom_killed: view.oomKilled,
		health: view.health,
		restart_count: view.restartCount,
		started_at: isoTime(view.startedAt),
		finished_at: isoTime(view.finishedAt),
		mounts: view.mounts.map(renderMount),
		exposed_ports: view.exposedPorts ?? {},
		pids: view.pids,
		pull: renderPull(view.pull),
		host: admin ? view.host : undefined,
		image_pull_policy: admin ? view.imagePullPolicy : undefined,
		privileged: admin ? view.privileged : undefined,
		runtime: admin ? view.runtime : undefined,
	};
}

function renderRestartPolicy(policy: RestartPolicy | null, created: boolean) {
	if (policy === null) return created ? null : {};
	return { Name: policy.name, MaximumRetryCount: String(policy.maximumRetryCount) };
}

function renderHealthCheck(check: HealthCheck | null, created: boolean) {
	if (check === null) return created ? null : {};
	return { test: check.test, interval: check.interval, timeout: check.timeout, retries: check.retries };
}

function renderMount(mount: Container['mounts'][number]) {
	return { type: mount.type, volume_id: mount.volumeId, destination: mount.destination, read_only: mount.readOnly };
}

function renderPull(pull: Container['pull']) {
	if (pull === null) return null;
	return { layers_done: pull.layersDone, layers_total: pull.layersTotal, bytes_done: pull.bytesDone, bytes_total: pull.bytesTotal };
}
