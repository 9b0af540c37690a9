/** What of Neutron's extensions is true here, by alias. */
export const extensions: readonly { readonly alias: string; readonly name: string; readonly description: string }[] = [
	{ alias: 'security-group', name: 'security-group', description: 'Groups of rules that say what may reach a port and what it may reach' },
	{ alias: 'port-security', name: 'Port Security', description: 'Anti-spoofing and groups can be switched off for a port' },
	{ alias: 'allowed-address-pairs', name: 'Allowed Address Pairs', description: 'Addresses that a port may use beside its own' },
	{ alias: 'binding', name: 'Port Binding', description: 'Host and kind of a port, for administrators' },
	{ alias: 'external-net', name: 'Neutron external network', description: 'Networks with a way out' },
	{ alias: 'net-mtu', name: 'Network MTU', description: 'MTU of a network' },
	{ alias: 'net-mtu-writable', name: 'Network MTU (writable)', description: 'MTU of a network can be set' },
	{ alias: 'quotas', name: 'Quota management support', description: 'Limits of projects, to read' },
	{ alias: 'standard-attr-description', name: 'standard-attr-description', description: 'Descriptions' },
	{ alias: 'standard-attr-timestamp', name: 'Resource timestamps', description: 'Times of creation and change' },
	{ alias: 'standard-attr-revisions', name: 'Resource revision numbers', description: 'A number that grows with each change' },
	{ alias: 'project-id', name: 'project_id field enabled', description: 'project_id beside tenant_id' },
	{ alias: 'pagination', name: 'Pagination support', description: 'limit, marker and page_reverse' },
	{ alias: 'sorting', name: 'Sorting support', description: 'sort_key and sort_dir' },
	{ alias: 'filter-validation', name: 'Filter parameters validation', description: 'Unknown filters are refused' },
	{ alias: 'ip-substring-filtering', name: 'IP address substring filtering', description: 'ip_address_substr in fixed_ips' },
];

/** An extension as Neutron shows it. */
export function renderExtension(extension: (typeof extensions)[number]): object {
	return { ...extension, updated: '2026-01-01T00:00:00-00:00', links: [] };
}
