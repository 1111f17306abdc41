/** The output of `deno doc --json`, as far as the check reads it. */
export interface DocJson {
  nodes: Record<string, { module_doc?: JsDoc; symbols: DocSymbol[] }>;
}

interface JsDoc {
  doc?: string;
  tags?: { kind: string; name?: string; doc?: string }[];
}

interface DocSymbol {
  name: string;
  declarations: Declaration[];
}

interface Declaration {
  kind: string;
  declarationKind: string;
  jsDoc?: JsDoc;
  def: {
    params?: Param[];
    returnType?: Type;
    hasBody?: boolean;
    constructors?: Member[];
    methods?: Member[];
    properties?: Member[];
  };
}

interface Param {
  kind: string;
  name?: string;
  left?: Param;
  arg?: Param;
}

interface Type {
  kind: string;
  repr?: string;
}

/** A member of a class or interface. Methods of classes have their signature in `functionDef`, those of interfaces directly. */
interface Member extends Signature {
  name: string;
  kind?: string;
  accessibility?: string;
  jsDoc?: JsDoc;
  functionDef?: Signature;
}

interface Signature {
  params?: Param[];
  returnType?: Type;
  hasBody?: boolean;
}

/**
 * Finds what is not documented. `deno doc --lint` requires a comment on every symbol; this check also requires a description of
 * every parameter and result, and of the module at each entry point.
 *
 * @param json The output of `deno doc --json` for one entry point.
 * @param entry The entry point's URL.
 */
export function docProblems(json: DocJson, entry: string): string[] {
  const problems: string[] = [];
  const module = json.nodes[entry]?.module_doc;
  if (!module?.doc || !module.tags?.some(({ kind }) => kind === "module")) {
    problems.push("the module has no text with @module");
  }
  for (const { symbols } of Object.values(json.nodes)) {
    for (const symbol of symbols) problems.push(...symbolProblems(symbol));
  }
  return problems;
}

function symbolProblems({ name, declarations }: DocSymbol): string[] {
  const isOverloaded = declarations.filter(({ kind }) => kind === "function").length > 1;
  return declarations.filter((d) => d.declarationKind === "export").flatMap((declaration) => {
    const { kind, def, jsDoc } = declaration;
    if (kind === "function") {
      return isOverloaded && def.hasBody ? [] : callProblems(name, jsDoc, def);
    }
    const { constructors = [], methods = [], properties = [] } = def;
    return [
      ...textProblems(name, jsDoc),
      ...properties.flatMap((p) => isPublic(p) ? textProblems(`${name}.${p.name}`, p.jsDoc) : []),
      ...[...constructors, ...methods].flatMap((member, _, all) => {
        const isImplementation = (member.functionDef ?? member).hasBody &&
          all.filter((other) => other.name === member.name).length > 1;
        if (!isPublic(member) || isImplementation) return [];
        // The construct signature of an interface has no name.
        const own = member.name ?? "new";
        const path = `${name}.${own}`;
        // Accessors are used like properties, and methods named by a symbol are called by the host only.
        const isPlain = member.kind === "getter" || member.kind === "setter" ||
          own.startsWith("[");
        if (isPlain) return textProblems(path, member.jsDoc);
        const isConstructor = own === "constructor" || own === "new";
        if (isConstructor && !member.params?.length) return [];
        return callProblems(path, member.jsDoc, member.functionDef ?? member, isConstructor);
      }),
    ];
  });
}

function isPublic({ accessibility }: Member): boolean {
  return accessibility !== "private" && accessibility !== "protected";
}

function textProblems(path: string, jsDoc?: JsDoc): string[] {
  return jsDoc?.doc ? [] : [`${path} has no documentation`];
}

function callProblems(
  path: string,
  jsDoc: JsDoc | undefined,
  { params = [], returnType }: Signature,
  isConstructor = false,
): string[] {
  const problems = textProblems(path, jsDoc);
  const tags = jsDoc?.tags ?? [];
  const documented = tags.filter((tag) => tag.kind === "param" && tag.doc).map((tag) => tag.name);
  for (const [index, param] of params.entries()) {
    // A destructured parameter has no name of its own, so that any name is accepted.
    const name = nameOf(param) ?? documented[index];
    if (!documented.includes(name)) {
      problems.push(`${path} has no @param ${name ?? `for parameter ${index + 1}`}`);
    }
  }
  const isSilent = isConstructor || returnType?.repr === "void" || returnType?.repr === "never";
  if (!isSilent && !tags.some((tag) => tag.kind === "return" && tag.doc)) {
    problems.push(`${path} has no @returns`);
  }
  return problems;
}

function nameOf(param: Param): string | undefined {
  return param.name ?? (param.left ?? param.arg)?.name;
}
