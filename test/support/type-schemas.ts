import { join } from 'node:path';
import ts from 'typescript';

export type JsonSchema = { readonly [key: string]: unknown };

const root = join(import.meta.dirname, '..', '..');

/** Turns exported types into JSON schemas, their docstrings into descriptions. Every named interface becomes a schema of its own. */
export class TypeSchemas {
  readonly #checker: ts.TypeChecker;
  readonly #program: ts.Program;
  readonly #components = new Map<string, JsonSchema>();

  /** `files`: paths below the root that export the types. */
  constructor(files: readonly string[]) {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile) as {
      readonly config: { readonly compilerOptions: object };
    };
    const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
    this.#program = ts.createProgram(
      files.map((file) => join(root, file)),
      options,
    );
    this.#checker = this.#program.getTypeChecker();
  }

  /** The schema of a type that a file exports. */
  of(file: string, name: string): JsonSchema {
    const source = this.#program.getSourceFile(join(root, file));
    const module = source && this.#checker.getSymbolAtLocation(source);
    const symbol = module && this.#checker.getExportsOfModule(module).find((one) => one.name === name);
    if (symbol === undefined) throw new Error(`${file} exports no ${name}`);
    return this.#named(name, this.#checker.getDeclaredTypeOfSymbol(symbol), symbol);
  }

  /** The schemas that the others refer to, by name. */
  components(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...this.#components].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #named(name: string, type: ts.Type, symbol: ts.Symbol): JsonSchema {
    if (!this.#components.has(name)) {
      // Types may speak of themselves.
      this.#components.set(name, {});
      this.#components.set(name, { ...this.#describe(symbol), ...this.#anonymous(type) });
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  #schema(type: ts.Type): JsonSchema {
    const { symbol, aliasSymbol } = type;
    const isInterface = symbol !== undefined && (symbol.flags & ts.SymbolFlags.Interface) !== 0 && this.#isOurs(symbol);
    if (isInterface) return this.#named(symbol.name, type, symbol);
    const isLong = type.isUnion() && type.types.length > 8 && aliasSymbol !== undefined && this.#isOurs(aliasSymbol);
    return isLong ? this.#named(aliasSymbol.name, type, aliasSymbol) : this.#anonymous(type);
  }

  #anonymous(type: ts.Type): JsonSchema {
    if (type.flags & (ts.TypeFlags.String | ts.TypeFlags.TemplateLiteral)) return { type: 'string' };
    if (type.flags & ts.TypeFlags.Number) return { type: 'number' };
    if (type.flags & ts.TypeFlags.Boolean) return { type: 'boolean' };
    if (type.flags & ts.TypeFlags.BooleanLiteral) return { const: this.#checker.typeToString(type) === 'true' };
    if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
    if (type.isUnion()) return this.#isAnyJson(type) ? {} : this.#union(type);
    // A branded text.
    if (type.isIntersection() && type.types.some(({ flags }) => flags & ts.TypeFlags.String)) return { type: 'string' };
    if (this.#checker.isArrayLikeType(type))
      return { type: 'array', items: this.#union(...this.#checker.getTypeArguments(type as ts.TypeReference)) };
    if (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) return this.#object(type);
    throw new Error(`no schema for ${this.#checker.typeToString(type)}`);
  }

  /** `JsonValue`, and what is left of it where it may be absent. */
  #isAnyJson({ types }: ts.UnionType): boolean {
    const isPlain = (flag: ts.TypeFlags): boolean => types.some(({ flags }) => (flags & flag) !== 0);
    return isPlain(ts.TypeFlags.String) && isPlain(ts.TypeFlags.Number) && types.some((type) => this.#checker.isArrayLikeType(type));
  }

  #union(...types: readonly ts.Type[]): JsonSchema {
    const parts = types
      .flatMap((type) => (type.isUnion() ? type.types : [type]))
      .filter(({ flags }) => (flags & ts.TypeFlags.Undefined) === 0);
    const literals = parts.flatMap((part) => (part.isStringLiteral() ? [part.value] : []));
    const truths = parts.filter(({ flags }) => flags & ts.TypeFlags.BooleanLiteral);
    const rest = parts.filter((part) => !part.isStringLiteral() && !(truths.length === 2 && truths.includes(part)));
    const schemas = [
      ...(literals.length === 0 ? [] : [literals.length === 1 ? { const: literals[0] } : { type: 'string', enum: literals.sort() }]),
      ...(truths.length === 2 ? [{ type: 'boolean' }] : []),
      ...rest.map((part) => this.#schema(part)),
    ];
    const [only, ...more] = schemas;
    return more.length === 0 ? (only ?? {}) : { anyOf: schemas };
  }

  #object(type: ts.Type): JsonSchema {
    const [index] = this.#checker.getIndexInfosOfType(type);
    if (index !== undefined) return { type: 'object', additionalProperties: this.#schema(index.type) };
    const properties: Record<string, JsonSchema> = {};
    const required: string[] = [];
    for (const property of this.#checker.getPropertiesOfType(type)) {
      const of = this.#checker.getTypeOfSymbol(property);
      const schema = this.#schema(this.#checker.getNonNullableType(of));
      properties[property.name] = { ...schema, ...this.#describe(property) };
      // What may be undefined is absent in JSON.
      const isAbsent = of.isUnion() && of.types.some(({ flags }) => flags & ts.TypeFlags.Undefined);
      if (!isAbsent && (property.flags & ts.SymbolFlags.Optional) === 0) required.push(property.name);
    }
    return { type: 'object', properties, ...(required.length === 0 ? {} : { required: required.sort() }) };
  }

  #describe(symbol: ts.Symbol): { readonly description?: string } {
    const description = ts.displayPartsToString(symbol.getDocumentationComment(this.#checker)).replaceAll('\n', ' ').trim();
    return description === '' ? {} : { description };
  }

  #isOurs(symbol: ts.Symbol): boolean {
    return symbol.declarations?.some((declaration) => declaration.getSourceFile().fileName.startsWith(join(root, 'src'))) ?? false;
  }
}
