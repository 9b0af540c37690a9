/** `T` whose properties that may be undefined are optional instead. */
export type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
	[K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The object without the properties that are undefined: the model's optional properties do not take that value. */
export function defined<T extends object>(value: T): Defined<T>;
export function defined(value: object): object {
	return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined));
}
