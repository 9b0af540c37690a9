/** Something as the API shows it. What is in it is looked at field by field, since a service may be older or newer. */
export type Resource = Readonly<Record<string, unknown>>;

export function isResource(value: unknown): value is Resource {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field as text; empty when it is missing or null. */
export function textIn(resource: Resource, field: string): string {
	const value = resource[field];
	if (value === undefined || value === null) return '';
	return typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A field as a number; null when it is none. */
export function numberIn(resource: Resource, field: string): number | null {
	const value = resource[field];
	return typeof value === 'number' ? value : null;
}

/** A field as an object; an empty one when it is none. */
export function resourceIn(resource: Resource, field: string): Resource {
	const value = resource[field];
	return isResource(value) ? value : {};
}

/** A field as a list of objects; what is no object is left out. */
export function resourcesIn(resource: Resource, field: string): readonly Resource[] {
	const value = resource[field];
	return Array.isArray(value) ? value.filter(isResource) : [];
}

/** A field as a list of texts. */
export function textsIn(resource: Resource, field: string): readonly string[] {
	const value = resource[field];
	return Array.isArray(value) ? value.map(String) : [];
}
