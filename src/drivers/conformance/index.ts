/**
 * The suite that every driver passes. In a test file of the driver's package:
 *
 *     import { conformance } from 'zunbox/conformance';
 *     import { createDriver } from './index.js';
 *     conformance({ name: 'mine', createDriver });
 *
 * and `node --test`. What the driver's capabilities deny is skipped with that reason; all else must pass. The workload
 * programs that the image must hold are those of busybox: sh, echo, printf, cat, sleep, seq, head, tail, true, pwd,
 * hostname, env, touch, test, stty, and for drivers of real processes also ps, readlink, httpd, wget, ip, ls, id, mount.
 */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { archiveTests } from './archive-tests.ts';
import { ensureTests } from './ensure-tests.ts';
import { execTests } from './exec-tests.ts';
import { imageTests } from './image-tests.ts';
import { kernelTests } from './kernel-tests.ts';
import { lifeCycleTests } from './life-cycle-tests.ts';
import { logTests } from './log-tests.ts';
import type { ConformanceOptions } from './options.ts';
import { sessionTests } from './session-tests.ts';
import { signalTests } from './signal-tests.ts';
import { Suite } from './suite.ts';
import { visibilityTests } from './visibility-tests.ts';

export type { ConformanceOptions } from './options.ts';

/** Registers the suite's tests with node:test. */
export function conformance(options: ConformanceOptions): void {
	describe(`the driver ${options.name} conforms`, () => {
		const suite = new Suite(options);
		before(() => suite.open());
		after(async () => {
			assert.equal(await suite.close(), 0, 'sandboxes and containers that the tests left behind');
		});
		lifeCycleTests(suite);
		ensureTests(suite);
		signalTests(suite);
		logTests(suite);
		execTests(suite);
		sessionTests(suite);
		archiveTests(suite);
		imageTests(suite);
		visibilityTests(suite);
		kernelTests(suite);
	});
}
