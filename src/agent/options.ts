import { defaultPlanSettings, type PlanSettings } from './plan/context.ts';

/** Where the agent writes what it does. pino's logger is one. */
export interface AgentLog {
	debug(fields: object, message: string): void;
	info(fields: object, message: string): void;
	warn(fields: object, message: string): void;
}

/** How the agent works. Times in ms. */
export interface AgentOptions {
	/** Name that control knows the host by; null = what the driver finds. */
	readonly hostname: string | null;
	/** Labels of the host, for placement. */
	readonly labels: Readonly<Record<string, string>>;
	/** How many short calls to the engine run at once. */
	readonly maxCalls: number;
	/** How many calls that mostly wait, such as stops with grace, run at once. */
	readonly maxWaits: number;
	/** How many sandboxes are looked at and planned for at once. */
	readonly maxRounds: number;
	/** How many images are pulled at once. */
	readonly maxPulls: number;
	readonly heartbeatInterval: number;
	/** Between two looks at what the host offers. */
	readonly factsInterval: number;
	/** Between two looks at everything. */
	readonly lookInterval: number;
	/** Between two looks at what the kernel holds of the networks. */
	readonly networkCheckInterval: number;
	/** Between the two looks that must agree before the data of a deleted volume is removed. */
	readonly volumeConfirmation: number;
	/** How many sandboxes have their ports looked at in each full look. */
	readonly portChecks: number;
	/** Progress of a pull is told at most this often. */
	readonly progressInterval: number;
	/** How long the engine must be away before sandboxes are reported as Unknown. */
	readonly unknownAfter: number;
	/** Longest pause between attempts to reach the engine or control. */
	readonly longestPause: number;
	/** Deadline of one call to control. */
	readonly linkTimeout: number;
	readonly plan: PlanSettings;
	readonly log: AgentLog;
	/** The host's clock, ms since the epoch. */
	readonly now: () => number;
}

const silent: AgentLog = { debug: () => {}, info: () => {}, warn: () => {} };

export const defaultAgentOptions: AgentOptions = {
	hostname: null,
	labels: {},
	maxCalls: 16,
	maxWaits: 256,
	maxRounds: 32,
	maxPulls: 4,
	heartbeatInterval: 10_000,
	factsInterval: 600_000,
	lookInterval: 10_000,
	networkCheckInterval: 5_000,
	volumeConfirmation: 1_000,
	portChecks: 5,
	progressInterval: 500,
	unknownAfter: 30_000,
	longestPause: 5_000,
	linkTimeout: 30_000,
	plan: defaultPlanSettings,
	log: silent,
	now: Date.now,
};
