import { fail } from '../model/errors.ts';
import { hasRole, type Principal, type Role } from '../model/principal.ts';

/**
 * Who may call what: the one table. Each route names its rule, some parameters have a rule of their own, and a test
 * walks every role over every row.
 */
export interface PolicyEntry {
	/** Least role that may; null = nobody, whatever the role. */
	readonly least: Role | null;
	/**
	 * `project`: things of the caller's own project, and for administrators those of every project; to others a foreign
	 * thing does not exist. `system`: what belongs to no project.
	 */
	readonly scope: 'project' | 'system';
}

const reader: PolicyEntry = { least: 'reader', scope: 'project' };
const member: PolicyEntry = { least: 'member', scope: 'project' };
const admin: PolicyEntry = { least: 'admin', scope: 'project' };
const systemAdmin: PolicyEntry = { least: 'admin', scope: 'system' };
const nobody: PolicyEntry = { least: null, scope: 'project' };

export const policy = {
	'container:create': member,
	'container:create:runtime': admin,
	'container:create:privileged': nobody,
	'container:create:requested_destination': admin,
	'container:get_one': reader,
	'container:get_one_all_projects': admin,
	'container:get_one:host': admin,
	'container:get_one:image_pull_policy': admin,
	'container:get_one:privileged': admin,
	'container:get_one:runtime': admin,
	'container:get_all': reader,
	'container:get_all_all_projects': admin,
	'container:get_all:host': admin,
	'container:update': member,
	'container:rename': member,
	'container:resize_container': member,
	'container:delete': member,
	'container:delete_all_projects': admin,
	'container:delete_force': admin,
	'container:start': member,
	'container:stop': member,
	'container:reboot': member,
	'container:pause': member,
	'container:unpause': member,
	'container:kill': member,
	'container:rebuild': member,
	'container:execute': member,
	'container:execute_resize': member,
	'container:get_exec': reader,
	// A GET, but what it gives is a way to type into the container.
	'container:attach': member,
	'container:resize': member,
	'container:logs': reader,
	'container:top': reader,
	'container:stats': reader,
	'container:get_archive': reader,
	'container:put_archive': member,
	'container:commit': member,
	'container:network_attach': member,
	'container:network_detach': member,
	'container:network_list': reader,
	'container:add_security_group': member,
	'container:remove_security_group': member,
	'container:actions': reader,
	'container:actions:events': admin,
	'sandbox:create': member,
	'sandbox:create:runtime': admin,
	'sandbox:create:requested_destination': admin,
	'sandbox:get_one': reader,
	'sandbox:get_one_all_projects': admin,
	'sandbox:get_one:host': admin,
	'sandbox:get_all': reader,
	'sandbox:get_all_all_projects': admin,
	'sandbox:get_all:host': admin,
	'sandbox:update': member,
	'sandbox:delete': member,
	'sandbox:start': member,
	'sandbox:stop': member,
	'sandbox:pause': member,
	'sandbox:unpause': member,
	'sandbox:network_attach': member,
	'sandbox:network_detach': member,
	'sandbox:network_list': reader,
	'sandbox:containers': reader,
	'sandbox:actions': reader,
	'sandbox:volumes': reader,
	'sandbox:attach_volume': member,
	'sandbox:detach_volume': member,
	'volume:create': member,
	'volume:get_one': reader,
	'volume:get_one:host': admin,
	'volume:get_all': reader,
	'volume:get_all_all_projects': admin,
	'volume:delete': member,
	'capsule:create': member,
	'capsule:get': reader,
	'capsule:get:host': admin,
	'capsule:get_one_all_projects': admin,
	'capsule:get_all': reader,
	'capsule:get_all_all_projects': admin,
	'capsule:delete': member,
	'capsule:delete_all_projects': admin,
	'capsule:update': member,
	'capsule:start': member,
	'capsule:stop': member,
	'commit:get_all': reader,
	'commit:delete': member,
	'event:watch': reader,
	'event:watch_all_projects': admin,
	// What follows is Zun's own: its names of rules, and who may by default.
	'host:get_all': systemAdmin,
	'host:get': systemAdmin,
	'zun-service:get_all': systemAdmin,
	'zun-service:enable': systemAdmin,
	'zun-service:disable': systemAdmin,
	'zun-service:force_down': systemAdmin,
	'zun-service:delete': systemAdmin,
	'availability_zones:get_all': { least: 'reader', scope: 'system' },
	'quota:get': reader,
	'quota:get_default': reader,
	'quota:update': systemAdmin,
	'quota:delete': systemAdmin,
	'quota_class:get': systemAdmin,
	'quota_class:update': systemAdmin,
	'registry:create': member,
	'registry:get_one': reader,
	'registry:get_all': reader,
	'registry:get_all_all_projects': admin,
	'registry:update': member,
	'registry:delete': member,
	'image:pull': systemAdmin,
	'image:get_all': systemAdmin,
	'image:get_one': systemAdmin,
	'image:delete': systemAdmin,
	'image:search': reader,
	'network:create': systemAdmin,
	'network:delete': systemAdmin,
	'network:read': reader,
	'network:write': member,
	'identity:read': { least: 'reader', scope: 'system' },
	'identity:write': { least: 'admin', scope: 'system' },
} as const satisfies Record<string, PolicyEntry>;

export type PolicyRule = keyof typeof policy;

/** Rules that the configuration may set otherwise. */
export type PolicyOverrides = Partial<Record<PolicyRule, Role | null>>;

export class Policy {
	readonly #overrides: PolicyOverrides;

	constructor(overrides: PolicyOverrides = {}) {
		this.#overrides = overrides;
	}

	/** Least role of the rule; null = nobody. */
	least(rule: PolicyRule): Role | null {
		const override = this.#overrides[rule];
		return override === undefined ? policy[rule].least : override;
	}

	allows(principal: Principal, rule: PolicyRule): boolean {
		const least = this.least(rule);
		return least !== null && hasRole(principal, least);
	}

	/** Throws `policy-not-authorized` when the principal may not. */
	enforce(principal: Principal, rule: PolicyRule): void {
		if (!this.allows(principal, rule)) throw fail('policy-not-authorized', `Policy doesn't allow ${rule} to be performed.`);
	}
}
