import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ownerNames } from '../../../src/agent/network/names.ts';
import type { CrashPlan } from './crash-agent.ts';
import { type Box, everythingOut, Lab, must, rule, signal } from './lab.ts';

const agent = path.join(import.meta.dirname, 'crash-agent.ts');

test('an agent that is killed at any step is followed by one that makes everything whole', { timeout: 300_000 }, async (t) => {
	const folder = mkdtempSync(path.join(tmpdir(), 'zunbox-crash-'));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	const lab = new Lab(t);
	const network = lab.network({ subnets: ['10.0.0.0/24'], external: true });
	const going = lab.network({ subnets: ['10.0.1.0/24'], external: true });
	const group = lab.group([...everythingOut, rule('ingress')]);
	const a = await lab.box('a');
	const b = await lab.box('b');
	const port = lab.port(network.id, a, ['10.0.0.2'], { securityGroupIds: [group.id] });
	const other = lab.port(network.id, b, ['10.0.0.3'], { securityGroupIds: [group.id] });
	const first = lab.spec;
	lab.networks = lab.networks.filter((candidate) => candidate.id !== going.id);
	lab.changeGroup(group.id, { rules: [...everythingOut, rule('ingress', { protocol: 'icmp' })] });
	const second = lab.spec;
	const file = path.join(folder, 'plan.json');
	const plan: CrashPlan = { owner: lab.owner, first, second, port, path: a.path };
	writeFileSync(file, JSON.stringify(plan));

	const log = path.join(folder, 'points');
	await must('env', [`ZUNBOX_FAIL_POINT_LOG=${log}`, process.execPath, agent, file]);
	const points = [...new Set(readFileSync(log, 'utf8').trim().split('\n'))];
	assert.ok(points.length >= 15, points.join());
	await assertNothingLeft(lab, a);

	for (const point of points) {
		await assert.rejects(must('env', [`ZUNBOX_FAIL_POINT=${point}`, process.execPath, agent, file]), `killed at ${point}`);
		const next = lab.restarted();
		await next.apply(second, signal());
		await next.plug(a.sandboxId, port, a.path, signal());
		await next.plug(b.sandboxId, other, b.path, signal());
		assert.deepEqual(await next.plugged(a.sandboxId, [port], a.path, signal()), [port.id], point);
		assert.equal(await a.pings('10.0.0.3'), true, point);
		await next.check(signal());
		assert.deepEqual(await next.check(signal()), [], point);
		const namespaces = readdirSync('/run/netns').filter((name) => name.startsWith(ownerNames(lab.owner).namespacePrefix));
		assert.equal(namespaces.length, 1, point);
		await next.clear(signal());
		await assertNothingLeft(lab, a);
	}
});

async function assertNothingLeft(lab: Lab, box: Box): Promise<void> {
	const names = ownerNames(lab.owner);
	assert.deepEqual(
		readdirSync('/run/netns').filter((name) => name.startsWith(names.namespacePrefix)),
		[],
	);
	assert.doesNotMatch(await must('ip', ['-br', 'link']), new RegExp(names.transitPrefix));
	assert.doesNotMatch(await must('nft', ['list', 'tables']), new RegExp(names.hostTable));
	assert.equal((await box.run('ip', ['link', 'show', 'dev', 'eth0'])).code, 1);
}
