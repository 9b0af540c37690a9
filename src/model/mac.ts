/** First half of the addresses that are made up: Neutron's, which marks them as locally given. */
const prefix = 'fa:16:3e';

/** A hardware address from three random bytes. */
export function macFromBytes(bytes: Uint8Array): string {
	return [prefix, ...Array.from(bytes.subarray(0, 3), (byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

/** Lower case with colons; null when it is not the address of one interface (multicast and all zeros are not). */
export function canonicalMac(text: string): string | null {
	const mac = text.toLowerCase().replaceAll('-', ':');
	if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) return null;
	const first = Number.parseInt(mac.slice(0, 2), 16);
	return (first & 1) === 1 || mac === '00:00:00:00:00:00' ? null : mac;
}
