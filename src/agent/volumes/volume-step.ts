import { failPoint } from '../../faults/fail-point.ts';

/** One change of the disk or the kernel, with the places before and after it at which a crash must do no harm. */
export async function volumeStep<T>(name: string, change: () => Promise<T>): Promise<T> {
	failPoint(`agent.volumes.${name}.before`);
	const result = await change();
	failPoint(`agent.volumes.${name}.after`);
	return result;
}
