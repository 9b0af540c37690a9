import type { Generated } from 'kysely';

/**
 * The tables. Times are ms since the epoch, booleans 0 or 1, JSON is text. What each column means stands with the
 * field of the same name in `model/`.
 */
export interface Database {
	sandbox: SandboxTable;
	container: ContainerTable;
	capsule: CapsuleTable;
	operation: OperationTable;
	event: EventTable;
	host: HostTable;
	claim: ClaimTable;
	network: NetworkTable;
	subnet: SubnetTable;
	port: PortTable;
	port_ip: PortIpTable;
	port_security_group: PortSecurityGroupTable;
	security_group: SecurityGroupTable;
	security_group_rule: SecurityGroupRuleTable;
	published_port: PublishedPortTable;
	volume: VolumeTable;
	volume_attachment: VolumeAttachmentTable;
	image: ImageTable;
	committed_image: CommittedImageTable;
	private_image: PrivateImageTable;
	image_upload: ImageUploadTable;
	server: ServerTable;
	server_port: ServerPortTable;
	server_group: ServerGroupTable;
	server_volume: ServerVolumeTable;
	registry: RegistryTable;
	quota: QuotaTable;
	quota_class: QuotaClassTable;
	idempotency: IdempotencyTable;
	project: ProjectTable;
	user: UserTable;
	role_assignment: RoleAssignmentTable;
	application_credential: ApplicationCredentialTable;
	token: TokenTable;
	meta: MetaTable;
}

export interface SandboxTable {
	id: string;
	name: string;
	project_id: string;
	user_id: string;
	host: string | null;
	availability_zone: string | null;
	/** Host that was asked for by name: it goes nowhere else. */
	requested_host: string | null;
	driver: string;
	provider_ids: string;
	status: string;
	status_reason: string | null;
	task_state: string | null;
	desired_status: string;
	labels: string;
	hostname: string;
	cpu: number | null;
	memory: number | null;
	disk: number | null;
	namespaces: string;
	runtime: string | null;
	hints: string;
	created_by: string;
	expires_at: number | null;
	expires_remaining: number | null;
	created_at: number;
	updated_at: number;
	/** Of the row itself. */
	version: number;
	/** Grows with every change of the sandbox or anything in it that the agent must know. */
	spec_version: number;
}

export interface ContainerTable {
	id: string;
	name: string;
	project_id: string;
	user_id: string;
	sandbox_id: string;
	kind: string;
	ordinal: number;
	image: string;
	image_driver: string;
	/** ImageSource as JSON: what `image` stood for at the image service; null = it is not from there. */
	image_source: string | null;
	image_pull_policy: string;
	registry_id: string | null;
	command: string | null;
	entrypoint: string | null;
	/** What the image filled in where the user gave nothing. */
	image_command: string | null;
	image_entrypoint: string | null;
	image_workdir: string | null;
	runtime_hostname: string | null;
	cpu: number | null;
	cpu_policy: string;
	memory: number | null;
	disk: number | null;
	pids: number | null;
	workdir: string | null;
	hostname: string | null;
	environment: string;
	labels: string;
	interactive: number;
	tty: number;
	privileged: number;
	auto_remove: number;
	auto_heal: number;
	restart_policy: string | null;
	healthcheck: string | null;
	exposed_ports: string | null;
	mounts: string;
	status: string;
	status_reason: string | null;
	task_state: string | null;
	desired_status: string;
	revision: number;
	runtime_id: string | null;
	ports: string;
	exit_code: number | null;
	oom_killed: number;
	health: string | null;
	restart_count: number;
	pull: string | null;
	started_at: number | null;
	finished_at: number | null;
	created_at: number;
	updated_at: number;
	version: number;
}

/** A container's image on its way to the image service. */
export interface ImageUploadTable {
	/** Of the image there. */
	image_id: string;
	project_id: string;
	user_id: string;
	request_id: string;
	container_id: string;
	sandbox_id: string;
	host: string;
	/** What it is named in the host's engine meanwhile. */
	engine_reference: string;
	/** What it is named in its archive. */
	reference: string;
	/** `making` = its user was not told of it yet: it is undone when the service ends; `uploading`; `failed` = what is left of it goes. */
	stage: string;
	/** What went wrong last; null = nothing. */
	error: string | null;
	created_at: number;
}

/** What a capsule has beside its sandbox and its members. */
export interface CapsuleTable {
	sandbox_id: string;
	annotations: string;
	restart_policy: string;
}

export interface OperationTable {
	seq: Generated<number>;
	id: string;
	request_id: string;
	project_id: string;
	user_id: string;
	target: string;
	target_id: string;
	sandbox_id: string;
	kind: string;
	args: string;
	host: string | null;
	state: string;
	attempts: number;
	error: string | null;
	created_at: number;
	started_at: number | null;
	finished_at: number | null;
}

export interface EventTable {
	seq: Generated<number>;
	project_id: string;
	kind: string;
	sandbox_id: string | null;
	container_id: string | null;
	status: string | null;
	reason: string | null;
	detail: string;
	created_at: number;
}

export interface HostTable {
	id: string;
	hostname: string;
	/** HostFacts as JSON. */
	facts: string;
	availability_zone: string;
	disabled: number;
	disabled_reason: string | null;
	forced_down: number;
	last_seen_at: number | null;
	report_count: number;
	created_at: number;
	updated_at: number;
}

export interface ClaimTable {
	sandbox_id: string;
	host: string;
	project_id: string;
	cpu: number;
	memory_mib: number;
	disk_gib: number;
}

export interface NetworkTable {
	id: string;
	name: string;
	project_id: string;
	description: string;
	shared: number;
	is_default: number;
	external: number;
	admin_state_up: number;
	mtu: number;
	port_security_enabled: number;
	created_at: number;
	updated_at: number;
}

export interface SubnetTable {
	id: string;
	name: string;
	project_id: string;
	network_id: string;
	description: string;
	ip_version: number;
	cidr: string;
	gateway_ip: string | null;
	allocation_pools: string;
	dns_nameservers: string;
	host_routes: string;
	enable_dhcp: number;
	created_at: number;
	updated_at: number;
}

export interface PortTable {
	id: string;
	name: string;
	project_id: string;
	network_id: string;
	description: string;
	mac_address: string;
	port_security_enabled: number;
	allowed_address_pairs: string;
	admin_state_up: number;
	status: string;
	sandbox_id: string | null;
	position: number;
	preserve_on_delete: number;
	host: string | null;
	created_at: number;
	updated_at: number;
}

/** One address of a port; unique in its subnet, which is what allocation rests on. */
export interface PortIpTable {
	port_id: string;
	network_id: string;
	subnet_id: string;
	ip_address: string;
	/** The address as a sortable number in hexadecimal of fixed length. */
	sort_key: string;
}

export interface PortSecurityGroupTable {
	port_id: string;
	security_group_id: string;
}

export interface SecurityGroupTable {
	id: string;
	name: string;
	project_id: string;
	description: string;
	owner_container_id: string | null;
	created_at: number;
	updated_at: number;
}

export interface SecurityGroupRuleTable {
	id: string;
	project_id: string;
	security_group_id: string;
	description: string;
	direction: string;
	ethertype: string;
	protocol: string | null;
	port_range_min: number | null;
	port_range_max: number | null;
	remote_ip_prefix: string | null;
	remote_group_id: string | null;
	created_at: number;
}

export interface PublishedPortTable {
	id: string;
	sandbox_id: string;
	host: string;
	protocol: string;
	host_ip: string;
	host_port: number;
	sandbox_port: number;
}

export interface VolumeTable {
	id: string;
	name: string;
	project_id: string;
	user_id: string;
	provider: string;
	size: number;
	status: string;
	status_reason: string | null;
	host: string | null;
	auto_remove: number;
	contents: string | null;
	/** 1 = its host was seen to have its data. */
	made: Generated<number>;
	created_at: number;
	updated_at: number;
}

export interface VolumeAttachmentTable {
	id: string;
	volume_id: string;
	sandbox_id: string;
	read_only: number;
	/** 1 = to be unmounted; the row goes when the agent has done it. */
	detaching: number;
	created_at: number;
	/** Block device on the host, of a volume that a compute service has connected there; null = not connected, or none of those. */
	device: string | null;
}

export interface ImageTable {
	id: string;
	project_id: string;
	user_id: string;
	image_id: string | null;
	repo: string;
	tag: string;
	size: string | null;
	host: string;
	status: string;
	status_reason: string | null;
	progress: string | null;
	/** How it is pulled, and with whose credentials: what a pull that goes on after a restart must know. */
	pull_policy: string;
	registry_id: string | null;
	created_at: number;
	updated_at: number;
}

/** What a project made by commit, by the full form of the name that it gave. */
export interface CommittedImageTable {
	project_id: string;
	reference: string;
	host: string;
	/** Its name in the host's engine. */
	engine_reference: string;
	created_at: number;
}

/** Repositories that a project pulled from with credentials, and names that pushes bear meanwhile, in their full form. */
export interface PrivateImageTable {
	reference: string;
	project_id: string;
}

/** A sandbox that is a compute service's server. */
export interface ServerTable {
	sandbox_id: string;
	project_id: string;
	/** Its id at the compute service; null = not known to be made. */
	server_id: string | null;
	/** `made` by us for the sandbox, or `adopted`: made with the compute service's own tools. */
	origin: string;
	/** ServerRequest as JSON. */
	request: string;
	/** What its flavor gives. */
	vcpus: number;
	memory_mib: number;
	disk_gib: number;
	/** The token of the user in whose name ports and the server are made, sealed, while that is to be done. */
	delegation: string | null;
	/** `making`, `standing`, or `failed`: what was made of it is to go, and the sandbox stays in Error. */
	stage: string;
	/** How often the compute service may have been asked to make it. */
	asked: number;
	/** As the compute service has it: ServerState; `gone` = it is known to have nothing of it. null = not looked at. */
	state: string | null;
	/** What the compute service wants of the host: SandboxGoal; null = it has not called yet. */
	goal: string | null;
	/** The call that the host has to carry out: an operation of the spec. null = none. */
	call_id: string | null;
	call_kind: string | null;
	call_args: string | null;
	call_started_at: number | null;
	/** Why the last call failed; null = it did not. */
	call_error: string | null;
	/** The network service has wired its ports: containers may start. */
	ready: number;
	/** Operation whose action the compute service was asked for. */
	acted_for: string | null;
	/** Grows with each thing that the provisioner is to look at; 0 = it has nothing to do. */
	work: number;
	/** What hinders it; null = nothing. */
	error: string | null;
	created_at: number;
}

/** A port of such a sandbox, as the network service has it. */
export interface ServerPortTable {
	sandbox_id: string;
	position: number;
	project_id: string;
	network_id: string;
	/** null = not known to be made. */
	port_id: string | null;
	/** Made by us, so it goes with the sandbox; 0 = the user's own. */
	made: number;
	/** Whether the network service may have been asked to make it. */
	asked: number;
	/** Chosen addresses and hardware address (WantedPort), as JSON. */
	wanted: string;
	/** Whether security groups apply. */
	secured: number;
	/** Ids of its groups, those of exposed ports aside, as JSON. */
	security_groups: string;
	/** Ids of the groups that the network service was last told, sorted, as JSON; null = not told any. */
	groups_set: string | null;
	mac_address: string | null;
	/** FixedIp[] as JSON. */
	fixed_ips: string;
	/** The compute service has it. */
	attached: number;
	/** ServerPort as its host told it, as JSON; null = it is not wired there. */
	binding: string | null;
	active: number;
	detaching: number;
	created_at: number;
}

/** The security group that opens a container's exposed ports. */
export interface ServerGroupTable {
	container_id: string;
	sandbox_id: string;
	project_id: string;
	/** null = not known to be made. */
	group_id: string | null;
	/** `80/tcp` and so on, as JSON. */
	exposed: string;
	rules_made: number;
	removing: number;
	created_at: number;
}

/** A volume of another service that a sandbox is to have: what is wanted of it there, and how far that is. */
export interface ServerVolumeTable {
	/** By which one that we made is found there. Until it is made, it is also the volume's id here. */
	id: string;
	sandbox_id: string;
	project_id: string;
	/** Its id at the volume service; null = not made yet. */
	volume_id: string | null;
	/** Name that one is given that is to be made; empty = none was chosen. */
	name: string;
	/** GiB. */
	size: number;
	/** 1 = it is made for the sandbox, and goes with it. */
	made: number;
	/** 1 = what was made stays when the sandbox goes. */
	keep: number;
	/** 1 = it is the sandbox's; 0 = it goes with the last container that mounts it. */
	own: number;
	/** 1 = it was asked for at the volume service. */
	asked: number;
	/** 1 = it was seen to be usable. */
	ready: number;
	/** 1 = the compute service was asked to attach it, and may have it. */
	attached: number;
	/** 0 = it was never attached, and nothing was written to it; else one more than the compute service took up. */
	tries: number;
	/** 1 = it is to be detached, and deleted if it goes with the sandbox. */
	leaving: number;
	created_at: number;
}

export interface RegistryTable {
	id: string;
	name: string | null;
	project_id: string;
	user_id: string;
	domain: string;
	username: string;
	/** Encrypted. */
	password: string;
	created_at: number;
	updated_at: number;
}

export interface QuotaTable {
	project_id: string;
	resource: string;
	hard_limit: number;
}

export interface QuotaClassTable {
	class_name: string;
	resource: string;
	hard_limit: number;
}

export interface IdempotencyTable {
	project_id: string;
	key: string;
	/** Digest of method, path and body: another request under the same key is refused. */
	fingerprint: string;
	/** What was made for it. */
	target_id: string;
	created_at: number;
}

export interface ProjectTable {
	id: string;
	name: string;
	description: string;
	enabled: number;
	created_at: number;
}

export interface UserTable {
	id: string;
	name: string;
	password_hash: string;
	enabled: number;
	default_project_id: string | null;
	created_at: number;
	description: string;
	email: string | null;
}

export interface RoleAssignmentTable {
	user_id: string;
	project_id: string;
	role: string;
}

export interface ApplicationCredentialTable {
	id: string;
	name: string;
	user_id: string;
	project_id: string;
	secret_hash: string;
	roles: string;
	expires_at: number | null;
	created_at: number;
	description: string;
}

/** Only the digest of a token is stored. */
export interface TokenTable {
	digest: string;
	audit_id: string;
	user_id: string;
	project_id: string | null;
	roles: string;
	methods: string;
	application_credential_id: string | null;
	issued_at: number;
	expires_at: number;
}

/** Single values: schema version, installation id, wrapped keys. */
export interface MetaTable {
	key: string;
	value: string;
}
