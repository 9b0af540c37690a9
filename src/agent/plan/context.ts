import type { PullProgress } from '../../model/container.ts';
import type { Step } from './step.ts';

/** What a plan depends on beside what is wanted and what the engine shows. */
export interface PlanContext {
	/** ms since the epoch, the host's clock. */
	readonly now: number;
	/** When the look at the engine began that the plan is made of, ms since the epoch: what it showed may be from any time since. */
	readonly seenAt: number;
	/** Steps that run now, by target. */
	readonly busy: ReadonlyMap<string, Step>;
	/** The last failure of each target that has not succeeded since. */
	readonly failures: ReadonlyMap<string, StepFailure>;
	/** Operations whose effect was had and cannot be seen in the engine, such as new limits or a signal. */
	readonly applied: ReadonlySet<string>;
	/** How often an operation failed when that was last reported as `retry`. */
	readonly retriesReported: ReadonlyMap<string, number>;
	/** Restarts by policy that are newer than what the spec says, by container. */
	readonly restartCounts: ReadonlyMap<string, number>;
	/** Restarts by policy since its last long run, by container: what the back-off grows with. */
	readonly restartStreaks: ReadonlyMap<string, number>;
	/** The wish for which a container's image is on the host, by container. */
	readonly imagesReady: ReadonlyMap<string, string>;
	readonly pulls: ReadonlyMap<string, PullProgress>;
	/** Names of the images that were pulled with a login, by container. */
	readonly loginPulls: ReadonlyMap<string, string>;
	readonly host: HostLook;
	/** Whether a complete tear-down succeeded since the sandbox was last built. */
	readonly tornDown: boolean;
	readonly settings: PlanSettings;
}

/** What the host holds for the sandbox outside the engine. */
export interface HostLook {
	/** Whether the name files hold what is wanted. */
	readonly names: boolean;
	/** Volumes that are attached. */
	readonly volumes: ReadonlySet<string>;
	/** Volumes that were to be detached, and are known to be gone. */
	readonly detachedVolumes: ReadonlySet<string>;
	/** Ports that are whole in the namespace of the sandbox's present run. */
	readonly ports: ReadonlySet<string>;
	/** Ports that are plugged and wanted no more. */
	readonly strayPorts: readonly string[];
	/** Whether ports are to be plugged at all. */
	readonly networked: boolean;
}

export interface StepFailure {
	readonly step: Step;
	/** What the user reads. */
	readonly reason: string;
	/** Whether the same may succeed later without anybody changing what was asked. */
	readonly transient: boolean;
	/** Failures in a row, and when the first and the last of them were. */
	readonly count: number;
	readonly firstAt: number;
	readonly lastAt: number;
	/** The operation for which it was tried; null = repair. */
	readonly operationId: string | null;
	/** The run of the sandbox (its holder's startedAt) in which it was tried; null = it did not run. */
	readonly run: number | null;
}

/** Times in ms. */
export interface PlanSettings {
	/** How long an operation is tried again after transient failures. Deletes never give up. */
	readonly operationDeadline: number;
	/**
	 * How long a container must have ended before that is taken as its own doing: when a sandbox or the engine goes
	 * down, its containers may be seen to end a moment before it.
	 */
	readonly settle: number;
	/** First and longest pause between restarts by policy, and the run that resets it. */
	readonly restartFirst: number;
	readonly restartLongest: number;
	readonly restartReset: number;
	/** First and longest pause after a transient failure. */
	readonly transientFirst: number;
	readonly transientLongest: number;
	/** First and longest pause after another failure, where no operation is there to fail with it. */
	readonly repairFirst: number;
	readonly repairLongest: number;
	/** Longest pause after a failed removal. */
	readonly removalLongest: number;
}

export const defaultPlanSettings: PlanSettings = {
	operationDeadline: 600_000,
	settle: 1_000,
	restartFirst: 100,
	restartLongest: 60_000,
	restartReset: 10_000,
	transientFirst: 200,
	transientLongest: 5_000,
	repairFirst: 1_000,
	repairLongest: 60_000,
	removalLongest: 30_000,
};

/** Seconds that a container has to end by itself when nobody said otherwise. */
export const defaultGrace = 10;
