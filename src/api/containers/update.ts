import type { Static } from 'typebox';
import type { UpdateContainer } from '../../control/control.ts';
import { defined } from '../http/defined.ts';
import { flag } from '../parse/flag.ts';
import { cpuLimits, memoryLimits, quantity } from '../parse/quantity.ts';
import { labelTexts } from '../schemas.ts';
import { readRestartPolicy } from './create.ts';
import type { ContainerUpdate } from './schemas.ts';

export function readUpdate(body: Static<typeof ContainerUpdate>): UpdateContainer {
	return defined({
		name: body.name,
		cpu: quantity('cpu', body.cpu, cpuLimits),
		memory: quantity('memory', body.memory, memoryLimits),
		autoHeal: body.auto_heal === undefined ? undefined : flag(body.auto_heal),
		labels: body.labels === undefined ? undefined : labelTexts(body.labels),
		environment: body.environment,
		restartPolicy: readRestartPolicy(body.restart_policy),
	});
}
