import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkLocalAddress } from '../../../src/agent/network/spoof-rules.ts';
import { eventually } from '../../support/eventually.ts';
import { advertisement, arp, ethernet, hexOf, icmp6, ipHex, udp4, udp6 } from './frames.ts';
import { everythingOut, Lab, rule } from './lab.ts';

const everyone = 'ff:ff:ff:ff:ff:ff';
const strange = 'fa:16:3e:66:66:66';

test('a sandbox cannot pretend: its neighbour hears none of the forged frames, and all of the honest ones', {
	timeout: 120_000,
}, async (t) => {
	const lab = new Lab(t);
	const network = lab.network({ subnets: ['10.0.0.0/24', 'fd01::/64'] });
	// Groups let everything through, so that only the checks of the sender can stop a frame.
	const open = lab.group([...everythingOut, rule('ingress'), rule('ingress', { version: 6 })]);
	const mallory = await lab.box('m');
	const victim = await lab.box('v');
	const own = lab.port(network.id, mallory, ['10.0.0.66', 'fd01::66'], {
		securityGroupIds: [open.id],
		allowedAddressPairs: [
			{ address: '10.0.0.100', macAddress: null },
			{ address: '10.0.7.0/24', macAddress: 'fa:16:3e:77:77:77' },
		],
	});
	const target = lab.port(network.id, victim, ['10.0.0.5', 'fd01::5'], { securityGroupIds: [open.id] });
	await lab.apply();
	await lab.plug(mallory, own);
	await lab.plug(victim, target);

	const me = own.macAddress;
	const you = target.macAddress;
	const gateway = { mac: me, ip: '10.0.0.1' };
	const nobody = { mac: '00:00:00:00:00:00', ip: '10.0.0.5' };
	const all = 'ff02::1';
	const linkLocal = linkLocalAddress(me);
	const router = `4000${'0708'}${'00000000'}${'00000000'}`;
	const honest: Record<string, string> = {
		'own address': ethernet(you, me, 0x0800, udp4('10.0.0.66', 1000, '10.0.0.5', 1000, 'own address')),
		'own arp': ethernet(everyone, me, 0x0806, arp('request', { mac: me, ip: '10.0.0.66' }, nobody, 'own arp')),
		'arp probe': ethernet(everyone, me, 0x0806, arp('request', { mac: me, ip: '0.0.0.0' }, nobody, 'arp probe')),
		'pair address': ethernet(you, me, 0x0800, udp4('10.0.0.100', 1000, '10.0.0.5', 1000, 'pair address')),
		'pair block': ethernet(you, 'fa:16:3e:77:77:77', 0x0800, udp4('10.0.7.9', 1000, '10.0.0.5', 1000, 'pair block')),
		'own advert': ethernet(you, me, 0x86dd, icmp6('fd01::66', all, 136, advertisement('fd01::66', me, 'own advert'))),
		'own six': ethernet(you, me, 0x86dd, udp6('fd01::66', 1000, 'fd01::5', 1000, 'own six')),
		'link local': ethernet(you, me, 0x86dd, icmp6(linkLocal, all, 135, `00000000${ipHex('fd01::5')}${hexOf('link local')}`)),
	};
	const forged: Record<string, string> = {
		'other mac': ethernet(you, strange, 0x0800, udp4('10.0.0.66', 1000, '10.0.0.5', 1000, 'other mac')),
		'other ip': ethernet(you, me, 0x0800, udp4('10.0.0.1', 1000, '10.0.0.5', 1000, 'other ip')),
		'pair with own mac': ethernet(you, me, 0x0800, udp4('10.0.7.9', 1000, '10.0.0.5', 1000, 'pair with own mac')),
		'arp for gateway': ethernet(everyone, me, 0x0806, arp('request', gateway, nobody, 'arp for gateway')),
		'arp answer': ethernet(you, me, 0x0806, arp('reply', gateway, { mac: you, ip: '10.0.0.5' }, 'arp answer')),
		'arp mac': ethernet(you, me, 0x0806, arp('reply', { mac: strange, ip: '10.0.0.66' }, { mac: you, ip: '10.0.0.5' }, 'arp mac')),
		'probe answer': ethernet(you, me, 0x0806, arp('reply', { mac: me, ip: '0.0.0.0' }, nobody, 'probe answer')),
		'other six': ethernet(you, me, 0x86dd, udp6('fd01::1', 1000, 'fd01::5', 1000, 'other six')),
		'other local': ethernet(you, me, 0x86dd, udp6('fe80::1', 1000, 'fd01::5', 1000, 'other local')),
		'nd target': ethernet(you, me, 0x86dd, icmp6('fd01::66', all, 136, advertisement('fd01::1', me, 'nd target'))),
		'nd local target': ethernet(you, me, 0x86dd, icmp6(linkLocal, all, 136, advertisement('fd01::5', me, 'nd local target'))),
		'nd hidden target': ethernet(you, me, 0x86dd, icmp6('fd01::66', all, 136, advertisement('fd01::1', me, 'nd hidden target'), true)),
		'nd no source': ethernet(you, me, 0x86dd, icmp6('::', all, 136, advertisement('fd01::66', me, 'nd no source'))),
		'router advert': ethernet(you, me, 0x86dd, icmp6(linkLocal, all, 134, router + hexOf('router advert'))),
		'hidden router': ethernet(you, me, 0x86dd, icmp6(linkLocal, all, 134, router + hexOf('hidden router'), true)),
		redirect: ethernet(
			you,
			me,
			0x86dd,
			icmp6(linkLocal, 'fd01::5', 137, `00000000${ipHex('fd01::66')}${ipHex('fd01::9')}${hexOf('redirect')}`),
		),
		'dhcp offer': ethernet(everyone, me, 0x0800, udp4('10.0.0.66', 67, '255.255.255.255', 68, 'dhcp offer')),
		'dhcp six': ethernet(you, me, 0x86dd, udp6(linkLocal, 547, 'fd01::5', 546, 'dhcp six')),
		'vlan tag': ethernet(you, me, 0x8100, `00050800${udp4('10.0.0.1', 1000, '10.0.0.5', 1000, 'vlan tag')}`),
		'priority tag': ethernet(you, me, 0x8100, `00000800${udp4('10.0.0.1', 1000, '10.0.0.5', 1000, 'priority tag')}`),
		'double tag': ethernet(you, me, 0x88a8, `000081000005${'0800'}${udp4('10.0.0.1', 1000, '10.0.0.5', 1000, 'double tag')}`),
		'other protocol': ethernet(you, me, 0x88cc, hexOf('other protocol').padEnd(92, '0')),
		'for another': ethernet('fa:16:3e:99:99:99', me, 0x0800, udp4('10.0.0.66', 1001, '10.0.0.9', 1000, 'for another')),
		// The last one: where it gets through, the bridge takes the forger for the victim.
		'victims mac': ethernet(everyone, you, 0x0800, udp4('10.0.0.66', 1000, '10.0.0.5', 1000, 'victims mac')),
	};
	const heard = await victim.sniff();
	const hears = (note: string): boolean => heard.lines.some((line) => line.includes(Buffer.from(note).toString('hex')));
	await mallory.send([...Object.values(forged), ...Object.values(honest)]);
	// Frames keep their order, so what was sent before the last honest one had its chance.
	await eventually('the last honest frame is heard', () => hears(Object.keys(honest).at(-1) ?? ''), { timeout: 10_000 }).catch(() => {});
	assert.deepEqual(
		Object.keys(honest).filter((note) => !hears(note)),
		[],
		'honest frames that were not heard',
	);
	assert.deepEqual(Object.keys(forged).filter(hears), [], 'forged frames that were heard');
});

test('a port without port security may send what it likes', { timeout: 60_000 }, async (t) => {
	const lab = new Lab(t);
	const network = lab.network({ subnets: ['10.0.0.0/24'] });
	const open = lab.group([...everythingOut, rule('ingress')]);
	const router = await lab.box('r');
	const other = await lab.box('o');
	const free = lab.port(network.id, router, ['10.0.0.2'], { portSecurity: false });
	const bound = lab.port(network.id, other, ['10.0.0.5'], { securityGroupIds: [open.id] });
	await lab.apply();
	await lab.plug(router, free);
	await lab.plug(other, bound);
	const heard = await other.sniff();
	await router.send([ethernet(bound.macAddress, strange, 0x0800, udp4('192.0.2.77', 1000, '10.0.0.5', 1000, 'routed'))]);
	await eventually('a frame from elsewhere is heard', () =>
		heard.lines.some((line) => line.includes(Buffer.from('routed').toString('hex'))),
	);
	await router.serve('tcp:80');
	assert.equal(await other.reaches('tcp', '10.0.0.2', 80, 5), true);
});
