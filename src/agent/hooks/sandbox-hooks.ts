import type { Driver } from '../../drivers/driver.ts';
import { failPoint } from '../../faults/fail-point.ts';
import type { SandboxSpec } from '../../model/spec.ts';
import type { HostNetworking } from '../network/host-networking.ts';
import type { NetworkSync } from '../network-sync.ts';
import type { AgentLog } from '../options.ts';
import { type HookName, hookNames } from '../plan/step.ts';
import type { HostVolumes } from '../volumes/host-volumes.ts';
import { holderHook, limitsHook, startHook } from './holder.ts';
import type { HookSubject, Hooks } from './hook.ts';
import { namesHook } from './names.ts';
import { portsHook, rulesHook } from './ports.ts';
import { runAll } from './run-all.ts';
import { volumesHook } from './volumes.ts';

export interface HookDeps {
	readonly driver: Driver;
	readonly networking: HostNetworking;
	readonly networks: NetworkSync;
	readonly volumes: HostVolumes;
	readonly stateDirectory: string;
	readonly log: AgentLog;
}

/** The one ordered list of what a sandbox is built of. */
export class SandboxHooks {
	readonly #hooks: Hooks;
	readonly #log: AgentLog;

	constructor({ driver, networking, networks, volumes, stateDirectory, log }: HookDeps) {
		const networked = driver.capabilities.networkNamespace;
		this.#log = log;
		this.#hooks = {
			names: namesHook(stateDirectory),
			holder: holderHook(driver.sandboxes, stateDirectory),
			volumes: volumesHook(volumes),
			limits: limitsHook(driver.sandboxes),
			start: startHook(driver.sandboxes),
			rules: rulesHook(networks, networked),
			ports: portsHook(driver.sandboxes, networking, networked),
		};
	}

	/** Runs the named hooks in the order of building; the first that fails ends it. */
	async setUp(names: readonly HookName[], subject: HookSubject & { readonly spec: SandboxSpec }, signal: AbortSignal): Promise<void> {
		for (const name of hookNames) {
			if (!names.includes(name)) continue;
			await this.#timed(`setUp.${name}`, subject.sandboxId, () => this.#hooks[name].setUp(subject, signal));
		}
	}

	/** Runs the named hooks backwards, all of them, and throws one error for all that failed. */
	async tearDown(names: readonly HookName[], subject: HookSubject, signal: AbortSignal): Promise<void> {
		await runAll(
			hookNames
				.filter((name) => names.includes(name))
				.reverse()
				.map((name) => () => this.#timed(`tearDown.${name}`, subject.sandboxId, () => this.#hooks[name].tearDown(subject, signal))),
		);
	}

	async #timed(name: string, sandboxId: string, run: () => Promise<void>): Promise<void> {
		const began = performance.now();
		failPoint(`agent.${name}.before`);
		try {
			await run();
		} finally {
			this.#log.debug({ sandbox: sandboxId, hook: name, ms: Math.round(performance.now() - began) }, 'hook');
		}
		failPoint(`agent.${name}.after`);
	}
}
