import { z } from 'zod';
import { optionEntries } from '../../src/config/option-entries.ts';

interface Section {
  readonly [name: string]: unknown;
}

/** A JSON Schema of the configuration file, from the table of options. Nothing is required: an option may be set elsewhere. */
export function renderConfigSchema(): string {
  const root: Record<string, unknown> = section();
  for (const { key, option } of optionEntries()) {
    const parts = key.split('.');
    let place = root;
    for (const part of parts.slice(0, -1)) {
      const properties = place['properties'] as Record<string, Record<string, unknown>>;
      place = properties[part] ??= section();
    }
    const description = `${option.help} Expects ${option.kind.expects}.`;
    const standard = option.default === undefined ? {} : { default: option.default };
    (place['properties'] as Record<string, unknown>)[parts.at(-1) ?? ''] = {
      description,
      ...standard,
      ...orNull(writtenForm(option.kind.schema)),
    };
  }
  const head = { $schema: 'http://json-schema.org/draft-07/schema#', title: 'poolkeeper.yaml: the configuration of poolkeeper' };
  return `${JSON.stringify({ ...head, ...root }, null, 2)}\n`;
}

const section = (): Record<string, unknown> => ({ type: ['object', 'null'], additionalProperties: false, properties: {} });

/** `null` means absent, as for an option that is commented out below its key. */
function orNull(form: Section): Section {
  const {
    type,
    enum: values,
    anyOf,
  } = form as { readonly type?: unknown; readonly enum?: readonly unknown[]; readonly anyOf?: readonly unknown[] };
  return {
    ...form,
    ...(type === undefined ? {} : { type: [type, 'null'].flat() }),
    ...(values === undefined ? {} : { enum: [...values, null] }),
    ...(anyOf === undefined ? {} : { anyOf: [...anyOf, { type: 'null' }] }),
  };
}

/** What may be written for an option. Lists and maps may also be a line of text, as in the environment. */
function writtenForm(schema: z.ZodType): Section {
  const inner = afterPreprocessing(schema);
  const { $schema: _, ...form } = z.toJSONSchema(inner ?? schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // Of frozen values; editors take it for a field that nobody may write.
      delete jsonSchema.readOnly;
    },
  });
  return inner === undefined ? form : { anyOf: [form, { type: 'string' }] };
}

/** What `z.preprocess` hands its result to; undefined for a schema without it. */
function afterPreprocessing(schema: z.ZodType): z.ZodType | undefined {
  if (schema instanceof z.ZodReadonly) return afterPreprocessing(schema.def.innerType as z.ZodType);
  return schema instanceof z.ZodPipe && schema.def.in instanceof z.ZodTransform ? (schema.def.out as z.ZodType) : undefined;
}
