import type { Driver, DriverFactory } from '../driver.ts';

/** What the suite needs to know of the driver that it tests. */
export interface ConformanceOptions {
	/** Shown in the report. */
	readonly name: string;
	readonly createDriver: DriverFactory;
	/** The driver's own settings, as they would stand in the configuration. */
	readonly settings?: Readonly<Record<string, unknown>>;
	/**
	 * Puts an image with the workload programs on the host and answers its reference. The default loads a busybox image
	 * that the suite makes of the machine's static busybox.
	 */
	readonly prepareImage?: (driver: Driver, signal: AbortSignal) => Promise<string>;
	/**
	 * Whether containers are real processes in namespaces and control groups of their own. The default is what
	 * `capabilities.networkNamespace` says. Without it, the tests of namespaces, limits and reaping are skipped.
	 */
	readonly kernel?: boolean;
	/**
	 * References that can and cannot be pulled. The default is a registry without TLS that the suite serves on 127.0.0.1.
	 * null = the driver has no registry, and tests of pulling are skipped.
	 */
	readonly pull?: { readonly present: string; readonly missing: string } | null;
	/** How long any one call or wait may take, in ms; 60 s unless told otherwise. */
	readonly deadline?: number;
}
